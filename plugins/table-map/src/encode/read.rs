//! Reading the encoded form. Nothing here panics or trusts a length.

/// A position in the bytes. Every method gives `None` when the bytes end or make no sense.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits.checked_shl(shift)? >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn integer(&mut self) -> Option<i64> {
        let bytes = self.rest.split_at_checked(8)?;
        self.rest = bytes.1;
        Some(i64::from_le_bytes(bytes.0.try_into().ok()?))
    }

    pub(super) fn wide(&mut self) -> Option<i128> {
        let bytes = self.rest.split_at_checked(16)?;
        self.rest = bytes.1;
        Some(i128::from_le_bytes(bytes.0.try_into().ok()?))
    }

    pub(super) fn character(&mut self) -> Option<char> {
        char::from_u32(u32::try_from(self.unsigned()?).ok()?)
    }

    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    pub(super) fn owned(&mut self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        // Every item takes at least one byte: a count beyond that is not worth an allocation.
        let mut items = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }

    pub(super) fn option<T>(&mut self, item: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(item(self)?)),
            _ => None,
        }
    }
}
