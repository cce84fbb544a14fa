//! The allocator of the program and of its C libraries (SQLite, tree-sitter, zstd): mimalloc.
//!
//! A first index parses on several threads, which allocate all the time. With one heap of glibc they wait for each other, and take 1.7 times
//! the processor time; with a heap each, they take 1.2 times, and each keeps what the others could use (`tests/bench/README.md`).

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives the memory that the calling thread has freed, and that no thread owns, back to the system. It takes milliseconds.
pub fn give_back() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the call has no safe binding; it takes a flag and touches nothing that is in use")]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
