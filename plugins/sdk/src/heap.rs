//! An allocator for guests that live for one batch.
#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;

/// The largest block that is handed out here, in bytes: 64 KiB. Larger ones come from the usual allocator.
const LARGEST: usize = 1 << LARGEST_CLASS;
const LARGEST_CLASS: usize = 16;
/// The smallest block, in bytes: it must hold a pointer while it is free.
const SMALLEST: usize = 8;
/// How much memory is asked for at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// An allocator for guests that live for one batch: quick, and never gives memory back to the system.
///
/// Blocks are powers of two. One that is freed is kept for the next of its size, so a guest that allocates and frees in
/// a loop does not grow. Each text of a row comes into a guest as a block of its own: what a block costs, rows cost.
///
/// ```
/// #[cfg(target_family = "wasm")]
/// #[global_allocator]
/// static HEAP: dualwright_sdk::Heap = dualwright_sdk::Heap::new();
/// ```
///
/// It is for guests only, which have one thread. Everywhere else use another.
#[derive(Debug)]
pub struct Heap(UnsafeCell<State>);

#[derive(Debug)]
struct State {
    /// The part of the last chunk that was never handed out: its address and its end.
    next: usize,
    end: usize,
    /// The first free block of each size, by its power; each free block begins with the address of the next.
    free: [usize; LARGEST_CLASS + 1],
}

// SAFETY: a component has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// An allocator that holds nothing yet.
    #[allow(clippy::new_without_default, reason = "a static is made by a constant function")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(State { next: 0, end: 0, free: [0; LARGEST_CLASS + 1] }))
    }
}

/// The power of two that holds such a block; `None` when it is not handed out here.
fn class(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    (size <= LARGEST).then(|| usize::BITS as usize - (size - 1).leading_zeros() as usize)
}

impl State {
    fn take(&mut self, class: usize) -> *mut u8 {
        let Some(free) = self.free.get_mut(class) else { return ptr::null_mut() };
        if *free != 0 {
            let block: *mut usize = ptr::with_exposed_provenance_mut(*free);
            // SAFETY: free blocks are ours, at least eight bytes, aligned, and begin with the next one's address.
            *free = unsafe { block.read() };
            return block.cast();
        }
        self.cut(class)
    }

    #[inline(never)]
    fn cut(&mut self, class: usize) -> *mut u8 {
        let size = 1 << class;
        loop {
            // Blocks are aligned to their size, so to any alignment that asks for one of this size. What is left out by
            // that is less than the largest block in a chunk.
            let start = self.next.next_multiple_of(size);
            if self.next != 0 && start + size <= self.end {
                self.next = start + size;
                return ptr::with_exposed_provenance_mut(start);
            }
            let Some((from, end)) = chunk(self.next == 0) else { return ptr::null_mut() };
            if from != self.end {
                self.next = from;
            }
            self.end = end;
        }
    }

    fn give_back(&mut self, block: *mut u8, class: usize) {
        if let Some(free) = self.free.get_mut(class) {
            // SAFETY: the block was handed out here with this class, so it is ours, large enough and aligned.
            unsafe { block.cast::<usize>().write(*free) };
            *free = block.expose_provenance();
        }
    }
}

/// Fresh memory: where it begins and ends. First what the linker left free behind the guest's own data: it is there
/// without asking.
#[cfg(target_family = "wasm")]
fn chunk(first: bool) -> Option<(usize, usize)> {
    const PAGE: usize = 64 << 10;
    unsafe extern "C" {
        // The linker's words for the two ends.
        static __heap_base: u8;
        static __heap_end: u8;
    }
    let (free, end) =
        ((&raw const __heap_base).expose_provenance(), (&raw const __heap_end).expose_provenance());
    if first && free < end {
        return Some((free, end));
    }
    let page = core::arch::wasm32::memory_grow(0, CHUNK / PAGE);
    (page != usize::MAX).then(|| (page * PAGE, page * PAGE + CHUNK))
}

/// Fresh memory: where it begins and ends. There is no linear memory here, so it is a block of the usual allocator, with
/// the alignment that pages have.
#[cfg(not(target_family = "wasm"))]
fn chunk(_first: bool) -> Option<(usize, usize)> {
    let layout = Layout::from_size_align(CHUNK, LARGEST).ok()?;
    // SAFETY: the size is not nothing.
    let start = unsafe { System.alloc(layout) };
    (!start.is_null()).then(|| (start.expose_provenance(), start.expose_provenance() + CHUNK))
}

// Called, not copied to each of a thousand places: the component would be a tenth larger.
// SAFETY: blocks lie within chunks that nobody else has, do not overlap, are as large and as aligned as was asked for,
// and keep their place until they are given back.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            // SAFETY: there is one thread, and nothing here calls back.
            Some(class) => unsafe { &mut *self.0.get() }.take(class),
            // SAFETY: the caller's promise.
            None => unsafe { System.alloc(layout) },
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class(layout) {
            // SAFETY: there is one thread, and nothing here calls back.
            Some(class) => unsafe { &mut *self.0.get() }.give_back(block, class),
            // SAFETY: the caller's promise; a block of this size came from there.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is one of a layout with this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(wanted)) {
            (Some(had), Some(wants)) if had == wants => block,
            // SAFETY: the caller's promise; a block of this size came from there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            _ => {
                // SAFETY: the caller's promise; the new block is another one, and both hold what is copied.
                unsafe {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

    use super::{CHUNK, Heap, LARGEST};

    /// A number after another, the same in every run.
    fn following(number: u64) -> u64 {
        number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
    }

    #[test]
    fn blocks_keep_what_is_written_to_them() {
        let heap = Heap::new();
        let mut held: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let mut number = 1;
        for step in 0..20_000_u32 {
            number = following(number);
            let (size, choice) = ((number >> 40) as usize % 3000 + 1, (number >> 33) % 4);
            let mark = step as u8;
            if choice == 0 && !held.is_empty() {
                let (block, layout, mark) = held.swap_remove(number as usize % held.len());
                // SAFETY: it is held, and was filled to its size.
                unsafe {
                    assert!((0..layout.size()).all(|index| *block.add(index) == mark));
                    heap.dealloc(block, layout);
                }
            } else if choice == 1 && !held.is_empty() {
                let place = number as usize % held.len();
                let (block, layout, mark) = held[place];
                // SAFETY: it is held, and was filled to its size.
                unsafe {
                    let moved = heap.realloc(block, layout, size);
                    assert!((0..layout.size().min(size)).all(|index| *moved.add(index) == mark));
                    moved.write_bytes(mark, size);
                    held[place] = (moved, Layout::from_size_align(size, layout.align()).unwrap(), mark);
                }
            } else {
                let layout = Layout::from_size_align(size, 1 << ((number >> 20) % 6)).unwrap();
                // SAFETY: the size is not nothing, and the block is as large as was asked for.
                let block = unsafe {
                    let block = heap.alloc(layout);
                    block.write_bytes(mark, size);
                    block
                };
                assert!((block as usize).is_multiple_of(layout.align()));
                held.push((block, layout, mark));
            }
        }
        for (block, layout, mark) in held {
            // SAFETY: it is held, and was filled to its size.
            unsafe { assert!((0..layout.size()).all(|index| *block.add(index) == mark)) };
        }
    }

    #[test]
    fn what_is_freed_is_used_again() {
        let heap = Heap::new();
        let layout = Layout::from_size_align(LARGEST, 8).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..CHUNK / LARGEST * 4 {
            // SAFETY: the size is not nothing, and what is freed is held.
            unsafe {
                let block = heap.alloc(layout);
                seen.insert(block as usize);
                heap.dealloc(block, layout);
            }
        }
        assert_eq!(seen.len(), 1);
    }
}
