//! A vector in shared pieces: a copy costs a pointer per piece, and a change copies one piece only
//! where somebody still holds the old one.

use std::sync::Arc;

const PIECE: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Chunked<T> {
    pieces: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Chunked<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        let at = at as usize;
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let at = at as usize;
        Arc::make_mut(self.pieces.get_mut(at / PIECE)?).get_mut(at % PIECE)
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.len.is_multiple_of(PIECE) {
            self.pieces.push(Arc::new(Vec::with_capacity(PIECE)));
        }
        if let Some(last) = self.pieces.last_mut() {
            Arc::make_mut(last).push(value);
            self.len += 1;
        }
    }

    /// Sets a place, with `fill` in all places before it that are not there yet.
    pub(crate) fn set(&mut self, at: u32, value: T, fill: &T) {
        while self.len <= at as usize {
            self.push(fill.clone());
        }
        if let Some(place) = self.get_mut(at) {
            *place = value;
        }
    }
}
