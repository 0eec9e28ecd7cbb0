//! Binary raw files of ngspice: a header in text, then the points, every variable a double of the machine's
//! byte order.
//!
//! What bites: variables come in no order to rely on, so they are read by name.

use super::SpiceError;

/// A plot of real variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw {
    /// Names, in small letters.
    names: Vec<String>,
    /// Points, one after the other.
    values: Vec<f64>,
}

impl Raw {
    /// Reads the only plot of a file.
    ///
    /// # Errors
    /// Whatever is not as ngspice writes it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SpiceError> {
        let wrong = |reason: &str| SpiceError::Raw { reason: reason.to_owned() };
        let mark = b"Binary:\n";
        let start = bytes.windows(mark.len()).position(|window| window == mark);
        let start = start.ok_or_else(|| wrong("has no binary section"))?;
        let header =
            std::str::from_utf8(&bytes[..start]).map_err(|_| wrong("has a header that is no text"))?;
        let field = |key: &str| {
            let found = header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            found.map(str::trim).ok_or_else(|| wrong(&format!("has no `{key}` in its header")))
        };
        let count =
            |key: &str| field(key)?.parse::<usize>().map_err(|_| wrong(&format!("has no number of {key}")));
        if field("Flags")?.contains("complex") {
            return Err(wrong("holds complex numbers"));
        }
        let (variables, points) = (count("No. Variables")?, count("No. Points")?);
        let lines = header.lines().skip_while(|line| !line.starts_with("Variables:")).skip(1);
        let names: Vec<String> =
            lines.filter_map(|line| Some(line.split_whitespace().nth(1)?.to_lowercase())).collect();
        if names.len() != variables {
            return Err(wrong(&format!("names {} of its {variables} variables", names.len())));
        }
        let body = &bytes[start + mark.len()..];
        let wanted = variables * points * size_of::<f64>();
        if body.len() < wanted {
            return Err(wrong(&format!(
                "ends after {} of {wanted} bytes: the run was cut short",
                body.len()
            )));
        }
        let (numbers, _) = body[..wanted].as_chunks::<8>();
        Ok(Self { names, values: numbers.iter().map(|bytes| f64::from_ne_bytes(*bytes)).collect() })
    }

    /// Points.
    pub(super) fn points(&self) -> usize {
        self.values.len() / self.names.len().max(1)
    }

    /// A variable's place in every point.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) fn place(&self, name: &str) -> Result<usize, SpiceError> {
        let found = self.names.iter().position(|known| known == name);
        found.ok_or_else(|| SpiceError::Raw { reason: format!("has no vector `{name}`") })
    }

    /// One point.
    pub(super) fn point(&self, index: usize) -> &[f64] {
        &self.values[index * self.names.len()..(index + 1) * self.names.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(points: usize, values: &[f64]) -> Vec<u8> {
        let header = format!(
            "Title: x\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 2\nNo. Points: {points}    \nVariables:\n\
             \t0\ttime\ttime\n\t1\tV(P1_0)\tvoltage\nBinary:\n"
        );
        header.into_bytes().into_iter().chain(values.iter().flat_map(|v| v.to_ne_bytes())).collect()
    }

    #[test]
    fn variables_are_read_by_name_and_to_the_bit() {
        let raw = Raw::parse(&file(2, &[0.0, 0.1, 1e-9, f64::MIN_POSITIVE])).unwrap();
        assert_eq!((raw.points(), raw.place("v(p1_0)").unwrap()), (2, 1));
        assert_eq!(raw.point(1), [1e-9, f64::MIN_POSITIVE]);
        assert!(raw.place("v(p1_1)").unwrap_err().to_string().contains("no vector `v(p1_1)`"));
    }

    #[test]
    fn a_file_cut_short_is_refused() {
        let whole = file(2, &[0.0, 0.1, 1e-9, 0.2]);
        let text = |bytes: &[u8]| Raw::parse(bytes).unwrap_err().to_string();
        assert!(text(&whole[..whole.len() - 1]).contains("cut short"));
        assert!(text(b"Title: x\n").contains("no binary section"));
        assert!(text(&[&whole[..40], b"Binary:\n"].concat()).contains("no `Flags`"));
    }
}
