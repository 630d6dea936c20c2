//! Budgets of memory: one for the script, one for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rquickjs::allocator::{Allocator, RustAllocator};

use super::calls::end;
use crate::worker::EXIT_MEMORY;

/// The last words of a worker that went over its budget.
const OVER_BUDGET: &[u8] = b"worker: over the budget of memory\n";

/// Whether this process counts. Only workers do, and only once they have a model.
static METERED: AtomicBool = AtomicBool::new(false);
/// Bytes that were taken since the counting began, less those that were given back.
static USED_BYTES: AtomicI64 = AtomicI64::new(0);
/// Bytes that may be in use at once.
static MAX_BYTES: AtomicI64 = AtomicI64::new(i64::MAX);

/// The program's allocator: the system's own, which in a worker also counts and ends the process
/// with [`EXIT_MEMORY`] when it goes over its budget. In the server it costs one load.
#[derive(Debug)]
pub struct MeteredAllocator;

/// Counts from now on and ends the process when more than `max_bytes` more are in use.
pub(crate) fn meter(max_bytes: u64) {
    MAX_BYTES.store(signed(max_bytes), Ordering::Relaxed);
    METERED.store(true, Ordering::Relaxed);
}

fn take(bytes: usize) {
    if METERED.load(Ordering::Relaxed) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let before = USED_BYTES.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_BYTES.load(Ordering::Relaxed) {
            end(OVER_BUDGET, EXIT_MEMORY);
        }
    }
}

fn give_back(bytes: usize) {
    if METERED.load(Ordering::Relaxed) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        USED_BYTES.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[expect(unsafe_code, reason = "the trait of allocators is unsafe")]
// SAFETY: every call is passed on to the system's allocator unchanged; counting touches atomics
// only, allocates nothing and does not unwind.
unsafe impl GlobalAlloc for MeteredAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        take(new_size);
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Whether a script has ever asked for more memory than it may have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exhausted(Rc<Cell<bool>>);

impl Exhausted {
    pub(crate) fn get(&self) -> bool {
        self.0.get()
    }
}

/// The allocator of one script. It refuses what goes over the budget, which the script sees as an
/// error, and remembers that it did: what the script throws then does not always say so.
pub(crate) struct ScriptMemory {
    used_bytes: usize,
    max_bytes: usize,
    exhausted: Exhausted,
}

impl ScriptMemory {
    pub(crate) fn new(max_bytes: usize, exhausted: Exhausted) -> Self {
        Self {
            used_bytes: 0,
            max_bytes,
            exhausted,
        }
    }

    fn has_room(&self, more: usize) -> bool {
        let fits = self
            .used_bytes
            .checked_add(more)
            .is_some_and(|sum| sum <= self.max_bytes);
        if !fits {
            self.exhausted.0.set(true);
        }
        fits
    }

    fn counted(&mut self, pointer: *mut u8) -> *mut u8 {
        if !pointer.is_null() {
            self.used_bytes += size_of(pointer);
        }
        pointer
    }
}

/// Bytes of a block that [`RustAllocator`] made.
fn size_of(pointer: *mut u8) -> usize {
    #[expect(unsafe_code, reason = "the library's function is unsafe")]
    // SAFETY: only called with pointers that this allocator has handed out and not yet taken back.
    unsafe {
        RustAllocator::usable_size(pointer)
    }
}

#[expect(unsafe_code, reason = "the trait of script allocators is unsafe")]
// SAFETY: all blocks come from the library's own allocator; a block is refused by a null pointer,
// which the trait allows, and stays as it was when its growth is refused.
unsafe impl Allocator for ScriptMemory {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.has_room(size) {
            return std::ptr::null_mut();
        }
        let block = RustAllocator.alloc(size);
        self.counted(block)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(total) = count.checked_mul(size) else {
            return std::ptr::null_mut();
        };
        if !self.has_room(total) {
            return std::ptr::null_mut();
        }
        let block = RustAllocator.calloc(count, size);
        self.counted(block)
    }

    unsafe fn dealloc(&mut self, pointer: *mut u8) {
        self.used_bytes = self.used_bytes.saturating_sub(size_of(pointer));
        // SAFETY: the caller hands back a block of this allocator.
        unsafe { RustAllocator.dealloc(pointer) }
    }

    unsafe fn realloc(&mut self, pointer: *mut u8, new_size: usize) -> *mut u8 {
        let old_size = size_of(pointer);
        if !self.has_room(new_size.saturating_sub(old_size)) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller hands in a block of this allocator.
        let block = unsafe { RustAllocator.realloc(pointer, new_size) };
        if block.is_null() {
            return block;
        }
        self.used_bytes = self.used_bytes.saturating_sub(old_size);
        self.counted(block)
    }

    unsafe fn usable_size(pointer: *mut u8) -> usize {
        size_of(pointer)
    }
}
