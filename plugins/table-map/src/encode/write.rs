//! Writing the encoded form.

/// Bytes as they grow.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn integer(&mut self, number: i64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn wide(&mut self, number: i128) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn character(&mut self, character: char) {
        self.count(usize::try_from(u32::from(character)).unwrap_or_default());
    }

    pub(super) fn count(&mut self, count: usize) {
        let mut rest = count;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.byte(low & 0x7f);
                return;
            }
            self.byte(low | 0x80);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for one in items {
            item(self, one);
        }
    }

    pub(super) fn option<T>(&mut self, value: Option<&T>, item: impl FnOnce(&mut Self, &T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                item(self, value);
            }
        }
    }
}
