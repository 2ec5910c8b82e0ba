//! On the CPU several workers share a run's steps: each has a module and a model of its own, so no memory is shared and
//! the page needs no special headers. This one leads: it takes a part of each batch itself, the members the rest, and they
//! decode pictures beside the next step. Every row of a batch has the same bits wherever it is computed.
//!
//! A member that dies is no failure: what it was to compute, this worker computes, and goes on without it.

mod crew;
mod link;
pub mod member;
mod message;
mod share;

pub use crew::{Crew, Finished};

use ditscope_config::ModelConfig;
use ditscope_ops::{Operation, Ops};
use link::Link;
use message::ToMember;
use std::rc::Rc;

/// Workers in all, whatever the machine has: more gain little with few pictures.
const MOST_WORKERS: u64 = 4;
/// Bytes of weights that all of them may have together.
const MOST_WEIGHTS: u64 = 1 << 30;

/// The members for a model, which they load while this worker does.
#[derive(Default)]
pub struct Pool {
    members: Vec<Rc<Link>>,
}

impl Pool {
    /// Members for a model on the CPU, if there are processors and memory for more than this worker.
    pub fn start(config: &ModelConfig, ops: Ops) -> Self {
        let link = |_| {
            let link = Link::start(config)?;
            link.tell(&ToMember::Model { config: Box::new(config.clone()), left_out: left_out(ops) }, &[]);
            Some(link)
        };
        Self { members: (1..size(processors(), 4 * config.transformer.num_params())).filter_map(link).collect() }
    }

    /// Hands a verified shard on.
    pub fn add(&self, file: &str, bytes: &[u8]) {
        self.members.iter().for_each(|link| link.tell(&ToMember::Shard { file: file.to_owned() }, &[bytes]));
    }

    /// The model is complete.
    pub fn finish(&self) {
        self.members.iter().for_each(|link| link.load());
    }

    /// Those who have loaded the model and live.
    fn ready(&self) -> Vec<Rc<Link>> {
        self.members.iter().filter(|link| link.is_ready()).cloned().collect()
    }
}

/// Workers in all for so many processors and bytes of weights.
fn size(processors: u64, weights_bytes: u64) -> u64 {
    (MOST_WEIGHTS / weights_bytes.max(1)).min(processors).clamp(1, MOST_WORKERS)
}

fn processors() -> u64 {
    crate::global::scope().navigator().hardware_concurrency() as u64
}

fn left_out(ops: Ops) -> Vec<String> {
    let left_out = Operation::ALL.into_iter().filter(|operation| !ops.uses(*operation));
    left_out.map(|operation| operation.name().to_owned()).collect()
}
