//! Which cells of a grid are marked, as a brush and the arrow keys do it: of latents, or of a drawing. Pure.

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

/// Rows and columns of cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells {
    rows: usize,
    columns: usize,
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

    pub fn new([rows, columns]: [usize; 2]) -> Self {
        let cursor = (columns / 2, rows / 2);
        Self { rows, columns, marked: vec![false; rows * columns], cursor, before: vec![] }
    }

    /// With these cells marked, by their number, row by row.
    pub fn marked_where([rows, columns]: [usize; 2], is_marked: impl Fn(usize) -> bool) -> Self {
        Self { marked: (0..rows * columns).map(is_marked).collect(), ..Self::new([rows, columns]) }
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Row by row.
    pub fn marked(&self) -> &[bool] {
        &self.marked
    }

    pub fn count(&self) -> usize {
        self.marked.iter().filter(|marked| **marked).count()
    }

    pub fn is_marked(&self, (column, row): (usize, usize)) -> bool {
        column < self.columns && row < self.rows && self.marked[row * self.columns + column]
    }

    /// Begins a stroke, which can be undone as a whole.
    pub fn begin(&mut self) {
        self.before.push(self.marked.clone());
        if self.before.len() > Self::MOST {
            self.before.remove(0);
        }
    }

    /// A stroke goes over a place, as shares of width and height: the cells whose middle is within the brush, and always
    /// the one that is hit, where the arrow keys go on.
    pub fn brush(&mut self, (x, y): (f64, f64), size: usize, mark: bool) {
        let (columns, rows) = (self.columns as f64, self.rows as f64);
        let hit = |share: f64, cells: usize| ((share * cells as f64) as usize).min(cells.saturating_sub(1));
        self.cursor = (hit(x, self.columns), hit(y, self.rows));
        let reach = size as f64 / 2.0;
        for i in 0..self.marked.len() {
            let (column, row) = ((i % self.columns) as f64, (i / self.columns) as f64);
            let (right, down) = (column + 0.5 - x * columns, row + 0.5 - y * rows);
            let is_hit = right.abs() <= 0.5 && down.abs() <= 0.5;
            if is_hit || right.hypot(down) <= reach {
                self.marked[i] = mark;
            }
        }
    }

    /// Moves the cursor, within the grid.
    pub fn step(&mut self, right: isize, down: isize) {
        let within = |at: usize, by: isize, cells: usize| at.saturating_add_signed(by).min(cells.saturating_sub(1));
        self.cursor = (within(self.cursor.0, right, self.columns), within(self.cursor.1, down, self.rows));
    }

    /// Marks the cell at the cursor with the brush, or takes its mark away.
    pub fn toggle(&mut self, size: usize) {
        let mark = !self.is_marked(self.cursor);
        let middle = |at: usize, cells: usize| (at as f64 + 0.5) / cells as f64;
        self.begin();
        self.brush((middle(self.cursor.0, self.columns), middle(self.cursor.1, self.rows)), size, mark);
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
        Pixels { width: self.columns, height: self.rows, rgba }
    }

    /// The border between what is marked and what is not, as an SVG path in cells.
    pub fn outline(&self) -> String {
        let mut path = String::new();
        for row in 0..self.rows {
            for column in 0..self.columns {
                if !self.is_marked((column, row)) {
                    continue;
                }
                let free = |right: isize, down: isize| {
                    let at = |at: usize, by: isize| at.checked_add_signed(by).unwrap_or(usize::MAX);
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
        let mut cells = Cells::new([8, 8]);
        cells.begin();
        cells.brush((0.99, 0.01), 1, true);
        assert!(cells.is_marked((7, 0)));
        assert_eq!((cells.count(), cells.cursor), (1, (7, 0)), "the keys go on there");
        cells.brush((0.5, 0.5), 3, true);
        assert_eq!(cells.count(), 5, "the four around a corner");
        assert!(cells.undo() && !cells.undo());
        assert_eq!(cells.count(), 0);
    }

    #[test]
    fn the_keys_reach_every_cell_and_no_other() {
        let mut cells = Cells::new([4, 4]);
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
    fn a_row_of_letters_is_a_grid_too() {
        let mut cells = Cells::new([1, 16]);
        cells.begin();
        cells.brush((0.99, 0.9), 1, true);
        (0..20).for_each(|_| cells.step(-1, 1));
        assert_eq!((cells.count(), cells.cursor, cells.shape()), (1, (0, 0), [1, 16]));
        cells.toggle(2);
        assert!(cells.is_marked((0, 0)) && cells.is_marked((15, 0)) && !cells.is_marked((0, 1)));
        cells.fill(true);
        assert_eq!(cells.outline().matches('M').count(), 2 * 16 + 2);
    }

    #[test]
    fn the_outline_goes_round_what_is_marked() {
        let mut cells = Cells::new([3, 3]);
        assert_eq!(cells.outline(), "");
        cells.toggle(1);
        assert_eq!(cells.outline(), "M1 1h1M1 2h1M1 1v1M2 1v1");
        cells.fill(true);
        assert_eq!(cells.outline().matches('M').count(), 12, "the inside has no lines");
    }
}
