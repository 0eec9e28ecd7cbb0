//! `idx`: anyone's own data, as four IDX files of unsigned bytes in a folder.
//!
//! Names as in MNIST, plain or `.gz`; the number of classes is one more than the highest training label.
//! Nothing is known about the content, so nothing but its form is checked.

use super::folder::Folder;
use super::{DataError, Entry, Parts, PathUse, Request};

pub(super) const ENTRY: Entry = Entry {
    name: "idx",
    summary: "your own: a folder (path) of IDX files named as those of MNIST, 8-bit, plain or .gz; its split is fixed",
    about: "given by the user",
    embedded: false,
    path: PathUse::Required,
    seeded: false,
    command: None,
    read,
};

fn read(request: &Request) -> Result<Parts, DataError> {
    let path = request.path.ok_or(DataError::PathRequired { set: ENTRY.name })?;
    Folder::read(path)?.decode(None)
}

#[cfg(test)]
mod tests {
    use super::super::folder::tests::{contents, write};
    use super::super::{Request, load};

    #[test]
    fn train_takes_the_first_so_many_and_the_classes_of_all() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents());
        let request = Request { path: Some(folder.path()), train: Some(1), ..Request::named("idx") };
        let set = load(&request).unwrap();
        assert_eq!((set.classes, set.train.labels(), set.test.len()), (3, &[0][..], 2));
    }
}
