//! Which cells of a square are marked, as a brush and the arrow keys do it: of latents, or of a drawing. Pure.

use crate::film::Pixels;

/// Where a key goes, in columns and rows: an arrow one on, Space and Enter nowhere, which is to mark. Others are not meant.
pub fn stride(key: &str) -> Option<(isize, isize)> {
    match key {
        "ArrowRight" => Some((1, 0)),
        "ArrowLeft" => Some((-1, 0)),
        "ArrowDown" => Some((0, 1)),
        "ArrowUp" => Some((0, -1)),
        " " | "Enter" => Some((0, 0)),
        _ => None,
    }
}

/// A square of cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells {
    side: usize,
    /// Row by row.
    marked: Vec<bool>,
    /// Where the arrow keys are: column and row.
    pub cursor: (usize, usize),
    /// As it was before each stroke.
    before: Vec<Vec<bool>>,
}

impl Cells {
    /// Strokes that can be undone.
    const MOST: usize = 100;

    pub fn new(side: usize) -> Self {
        Self { side, marked: vec![false; side * side], cursor: (side / 2, side / 2), before: vec![] }
    }

    /// With these cells marked, by their number, row by row.
    pub fn marked_where(side: usize, is_marked: impl Fn(usize) -> bool) -> Self {
        Self { marked: (0..side * side).map(is_marked).collect(), ..Self::new(side) }
    }

    pub fn side(&self) -> usize {
        self.side
    }

    /// Row by row.
    pub fn marked(&self) -> &[bool] {
        &self.marked
    }

    pub fn count(&self) -> usize {
        self.marked.iter().filter(|marked| **marked).count()
    }

    pub fn is_marked(&self, (column, row): (usize, usize)) -> bool {
        column < self.side && row < self.side && self.marked[row * self.side + column]
    }

    /// Begins a stroke, which can be undone as a whole.
    pub fn begin(&mut self) {
        self.before.push(self.marked.clone());
        if self.before.len() > Self::MOST {
            self.before.remove(0);
        }
    }

    /// A stroke goes over a place, as shares of width and height: the cells whose middle is within the brush, and always
    /// the one that is hit.
    pub fn brush(&mut self, (x, y): (f64, f64), size: usize, mark: bool) {
        let side = self.side as f64;
        let reach = size as f64 / 2.0;
        for i in 0..self.marked.len() {
            let (column, row) = ((i % self.side) as f64, (i / self.side) as f64);
            let (right, down) = (column + 0.5 - x * side, row + 0.5 - y * side);
            let is_hit = right.abs() <= 0.5 && down.abs() <= 0.5;
            if is_hit || right.hypot(down) <= reach {
                self.marked[i] = mark;
            }
        }
    }

    /// Moves the cursor, within the square.
    pub fn step(&mut self, right: isize, down: isize) {
        let within = |at: usize, by: isize| at.saturating_add_signed(by).min(self.side.saturating_sub(1));
        self.cursor = (within(self.cursor.0, right), within(self.cursor.1, down));
    }

    /// Marks the cell at the cursor with the brush, or takes its mark away.
    pub fn toggle(&mut self, size: usize) {
        let (mark, side) = (!self.is_marked(self.cursor), self.side as f64);
        let middle = |at: usize| (at as f64 + 0.5) / side;
        self.begin();
        self.brush((middle(self.cursor.0), middle(self.cursor.1)), size, mark);
    }

    pub fn fill(&mut self, mark: bool) {
        self.begin();
        self.marked.fill(mark);
    }

    pub fn invert(&mut self) {
        self.begin();
        self.marked.iter_mut().for_each(|marked| *marked = !*marked);
    }

    /// Takes the last stroke back; whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.before.pop() else { return false };
        self.marked = before;
        true
    }

    pub fn can_undo(&self) -> bool {
        !self.before.is_empty()
    }

    /// As a drawing: marked cells light, others dark.
    pub fn pixels(&self) -> Pixels {
        let rgba = self.marked.iter().flat_map(|marked| if *marked { [255; 4] } else { [0, 0, 0, 255] }).collect();
        Pixels { width: self.side, height: self.side, rgba }
    }

    /// The border between what is marked and what is not, as an SVG path in cells.
    pub fn outline(&self) -> String {
        let side = self.side;
        let mut path = String::new();
        for row in 0..side {
            for column in 0..side {
                if !self.is_marked((column, row)) {
                    continue;
                }
                let free = |right: isize, down: isize| {
                    let at = |at: usize, by: isize| at.checked_add_signed(by).unwrap_or(side);
                    !self.is_marked((at(column, right), at(row, down)))
                };
                let edges = [
                    (free(0, -1), format!("M{column} {row}h1")),
                    (free(0, 1), format!("M{column} {}h1", row + 1)),
                    (free(-1, 0), format!("M{column} {row}v1")),
                    (free(1, 0), format!("M{} {row}v1", column + 1)),
                ];
                path.extend(edges.into_iter().filter(|(is_free, _)| *is_free).map(|(_, edge)| edge));
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brush_marks_what_it_covers_and_a_small_one_the_cell_that_is_hit() {
        let mut cells = Cells::new(8);
        cells.begin();
        cells.brush((0.99, 0.01), 1, true);
        assert!(cells.is_marked((7, 0)));
        assert_eq!(cells.count(), 1);
        cells.brush((0.5, 0.5), 3, true);
        assert_eq!(cells.count(), 5, "the four around a corner");
        assert!(cells.undo() && !cells.undo());
        assert_eq!(cells.count(), 0);
    }

    #[test]
    fn the_keys_reach_every_cell_and_no_other() {
        let mut cells = Cells::new(4);
        (0..9).for_each(|_| cells.step(-1, 1));
        assert_eq!(cells.cursor, (0, 3));
        cells.toggle(1);
        assert!(cells.is_marked((0, 3)) && !cells.is_marked((9, 9)));
        cells.toggle(1);
        assert_eq!(cells.count(), 0);
        cells.invert();
        assert_eq!(cells.count(), 16);
        cells.fill(false);
        assert!(cells.undo());
        assert_eq!(cells.count(), 16);
    }

    #[test]
    fn the_outline_goes_round_what_is_marked() {
        let mut cells = Cells::new(3);
        assert_eq!(cells.outline(), "");
        cells.toggle(1);
        assert_eq!(cells.outline(), "M1 1h1M1 2h1M1 1v1M2 1v1");
        cells.fill(true);
        assert_eq!(cells.outline().matches('M').count(), 12, "the inside has no lines");
    }
}
