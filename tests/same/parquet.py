"""Writes a Parquet file to standard output without one column: what two files must share if that column alone may differ.

    python3 parquet.py FILE COLUMN

Out come the bytes of every page and page index of the other columns, and the footer in words without the entry of the
column, the sizes that it adds to, and the places of indexes, which lie behind its pages. Footers are in the compact
protocol of Thrift (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md); numbers of fields are those of
parquet.thrift (github.com/apache/parquet-format). The column is to be the last: places of those behind it would differ.
"""

import struct
import sys


class Reader:
    """Values of the compact protocol, one after the other; a struct becomes a dictionary by number of field."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        number, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def integer(self):
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.take(1)[0]
        if kind in (4, 5, 6):
            return self.integer()
        if kind == 7:
            return self.take(8)
        if kind == 8:
            return bytes(self.take(self.varint()))
        if kind in (9, 10):
            return self.list()
        if kind == 12:
            return self.struct()
        raise ValueError(f"type {kind} of the compact protocol")

    def list(self):
        head = self.take(1)[0]
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self.varint()
        # A flag in a list has a byte of its own.
        return [self.take(1)[0] == 1 if kind in (1, 2) else self.value(kind) for _ in range(count)]

    def struct(self):
        fields, number = {}, 0
        while head := self.take(1)[0]:
            number = number + (head >> 4) if head >> 4 else self.integer()
            fields[number] = self.value(head & 15)
        return fields


def without(data, name):
    """The parts of a file that do not depend on the column called `name`."""
    (length,) = struct.unpack("<I", data[-8:-4])
    footer = Reader(data[-8 - length : -8]).struct()
    found = False
    for group in footer[4]:
        kept = []
        for column in group[1]:
            about = column[3]
            if about[3] == [name.encode()]:
                found = True
                continue
            start = about.get(11, about[9])
            yield data[start : start + about[7]]
            for place, size in ((4, 5), (6, 7)):
                if place in column:
                    start = column.pop(place)
                    yield data[start : start + column[size]]
            kept.append(column)
        group[1] = kept
        # Sizes of all columns together, plain and compressed.
        group.pop(2), group.pop(6, None)
    if not found:
        raise ValueError(f"no column {name}")
    yield repr(footer).encode()


def main():
    path, name = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    for part in without(data, name):
        sys.stdout.buffer.write(part + b"\n")


main()
