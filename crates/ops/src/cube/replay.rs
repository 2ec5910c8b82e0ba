//! Work that is recorded and done again: cubecl's graphs, which are in software on wgpu. Done again, a launch costs the host
//! its commands alone, without looking up kernel, buffers and bindings.

use super::launch::{Wgsl, empty_like};
use super::tensors::{MOST_GROUPS, contiguous, primitive, tensor_of};
use crate::kernels::{Recorded, Recording};
use burn::tensor::Tensor;
use cubecl::client::{Client, Graph};
use std::sync::Arc;
use std::thread::{self, ThreadId};

const UNITS: u32 = 64;

/// The numbers of `from`, written over those of `to`, or into a tensor of their own.
pub fn copy(from: &Tensor<1>, to: Option<&Tensor<1>>) -> Option<Tensor<1>> {
    let [length] = from.dims();
    let from = contiguous(from)?;
    let size = u32::try_from(length).ok()?;
    let to = match to {
        Some(to) => primitive(to).filter(|_| to.dims() == [length])?,
        None => empty_like(&from, [length]),
    };
    let groups = size.div_ceil(UNITS);
    let wide = groups.clamp(1, MOST_GROUPS);
    let kernel = Wgsl {
        name: "copy",
        template: include_str!("copy.wgsl"),
        constants: vec![("UNITS", UNITS)],
        units: [UNITS, 1, 1],
    };
    kernel.launch([wide, groups.div_ceil(wide), 1], vec![from], &to, &[size, wide * UNITS]);
    Some(tensor_of(to))
}

/// Does `work` as ever, so that it has all kernels and the room that it takes, and once more to record it. `on` is a tensor of
/// its device.
pub fn record(on: &Tensor<1>, work: &mut dyn FnMut()) -> Option<Recorded> {
    let capture = Capture::prepare(primitive(on)?.client)?;
    work();
    capture.client.start_capture().ok()?;
    work();
    let graph = capture.stop()?;
    Some(Arc::new(Commands { graph, thread: thread::current().id() }))
}

/// A recording that is under way. It ends with this, also when the work panics: else the device would do nothing any more.
struct Capture {
    client: Client,
    is_over: bool,
}

impl Capture {
    fn prepare(client: Client) -> Option<Self> {
        client.graph_prepare().ok()?;
        Some(Self { client, is_over: false })
    }

    fn stop(mut self) -> Option<Graph> {
        self.is_over = true;
        self.client.stop_capture().ok()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if !self.is_over {
            // What it recorded, if anything, is of no use.
            let _ = self.client.stop_capture();
        }
    }
}

struct Commands {
    graph: Graph,
    /// The one whose commands keep their order with these.
    thread: ThreadId,
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Commands")
    }
}

impl Recording for Commands {
    fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    #[allow(unsafe_code, reason = "see below")]
    fn again(&self) -> bool {
        // SAFETY: all memory that was touched while it was recorded, weights, inputs and results with it, is guarded by the
        // graph, and given to nothing else while that lives. It is written and read by this thread alone, whose commands the
        // device takes in order.
        self.is_here() && unsafe { self.graph.replay() }.is_ok()
    }
}
