//! Who computes what of a step.

use std::ops::Range;

/// What one of the workers does: rows of the network's batch, and then pictures of the step before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub rows: Range<usize>,
    pub pictures: Range<usize>,
}

/// In equal shares for so many workers, where a row takes about as long as a picture. The first one, which leads, gets
/// a row at least and no picture. Where there are no rows, it is left its part of the pictures, the last ones, as what the
/// others do not decode it decodes.
pub fn shares(rows: usize, pictures: usize, workers: usize) -> Vec<Share> {
    if rows == 0 {
        let of = |worker: usize| worker.saturating_sub(1) * pictures / workers..worker * pictures / workers;
        return (0..workers).map(|worker| Share { rows: 0..0, pictures: of(worker) }).collect();
    }
    let all = rows + pictures;
    let border = |worker: usize| match worker {
        0 => 0,
        1 => (all / workers).clamp(1, rows),
        more => (more * all / workers).max(1),
    };
    let of = |worker: usize| {
        let (from, to) = (border(worker), border(worker + 1));
        let pictures = from.max(rows) - rows..to.max(rows) - rows;
        Share { rows: from.min(rows)..to.min(rows), pictures }
    };
    (0..workers).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_once_and_in_order() {
        for (rows, pictures, workers) in
            [(2, 1, 2), (2, 1, 3), (2, 1, 4), (8, 4, 2), (4, 4, 2), (1, 1, 4), (32, 0, 3), (2, 0, 3), (1, 0, 4)]
        {
            let shares = shares(rows, pictures, workers);
            let done: Vec<usize> = shares.iter().flat_map(|share| share.rows.clone()).collect();
            assert_eq!(done, (0..rows).collect::<Vec<_>>(), "{shares:?}");
            let decoded: Vec<usize> = shares.iter().flat_map(|share| share.pictures.clone()).collect();
            assert_eq!(decoded, (0..pictures).collect::<Vec<_>>(), "{shares:?}");
            assert!(shares[0].pictures.is_empty() && !shares[0].rows.is_empty(), "{shares:?}");
        }
    }

    #[test]
    fn pictures_alone_are_shared_with_the_one_that_leads() {
        let pictures = |pictures, workers| -> Vec<Range<usize>> {
            shares(0, pictures, workers).into_iter().map(|share| share.pictures).collect()
        };
        assert_eq!(pictures(1, 2), [0..0, 0..0]);
        assert_eq!(pictures(4, 2), [0..0, 0..2]);
        assert_eq!(pictures(4, 3), [0..0, 0..1, 1..2]);
    }

    #[test]
    fn shares_are_equal() {
        let sizes = |rows, pictures, workers| -> Vec<usize> {
            shares(rows, pictures, workers).iter().map(|s| s.rows.len() + s.pictures.len()).collect()
        };
        assert_eq!(sizes(2, 1, 2), [1, 2]);
        assert_eq!(sizes(8, 4, 2), [6, 6]);
        assert_eq!(sizes(2, 1, 3), [1, 1, 1]);
        assert_eq!(sizes(8, 4, 4), [3, 3, 3, 3]);
    }
}
