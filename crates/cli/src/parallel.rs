//! Whole jobs on threads of their own.
//!
//! Threads that each do a whole job wait less for one another than threads that
//! share every small tensor operation.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` on `threads` threads at once; tensor operations within stay on their thread.
pub fn on_threads(threads: usize, work: impl Fn() + Sync) {
    if threads <= 1 {
        return work();
    }
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| one_thread_pool().install(&work));
        }
    });
}

/// `job(0)`, `job(1)`, … on `threads` threads; the results in order.
pub fn map<T: Send>(threads: usize, jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(jobs));
    on_threads(threads.min(jobs), || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= jobs {
                return;
            }
            let result = job(i);
            results.lock().expect("no job panics while it holds the results").push((i, result));
        }
    });
    let mut results = results.into_inner().expect("all jobs have ended well");
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A pool in which nested parallelism stays on the calling thread.
fn one_thread_pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread")
}
