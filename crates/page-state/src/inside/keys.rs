//! Keys over a grid of tokens.

/// Which token a key leads to: `Some(None)` is all of them, `None` no key of this grid.
pub fn moved(key: &str, token: Option<usize>, [rows, columns]: [usize; 2]) -> Option<Option<usize>> {
    let Some(at) = token else {
        return match key {
            "ArrowRight" | "ArrowDown" | "Home" => Some(Some(0)),
            "ArrowLeft" | "ArrowUp" | "End" => Some(Some(rows * columns - 1)),
            _ => None,
        };
    };
    let (row, column) = (at / columns, at % columns);
    let (row, column) = match key {
        "ArrowRight" => (row, (column + 1).min(columns - 1)),
        "ArrowLeft" => (row, column.saturating_sub(1)),
        "ArrowDown" => ((row + 1).min(rows - 1), column),
        "ArrowUp" => (row.saturating_sub(1), column),
        "Home" => (0, 0),
        "End" => (rows - 1, columns - 1),
        "Escape" | "Delete" | "Backspace" => return Some(None),
        _ => return None,
    };
    Some(Some(row * columns + column))
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn arrows_go_over_the_grid_and_stay_in_it() {
        let moved = |key, token| moved(key, token, [2, 3]);
        assert_eq!(moved("ArrowRight", None), Some(Some(0)));
        assert_eq!(moved("ArrowUp", None), Some(Some(5)));
        assert_eq!(moved("ArrowRight", Some(1)), Some(Some(2)));
        assert_eq!(moved("ArrowRight", Some(2)), Some(Some(2)));
        assert_eq!(moved("ArrowDown", Some(2)), Some(Some(5)));
        assert_eq!(moved("ArrowDown", Some(5)), Some(Some(5)));
        assert_eq!(moved("ArrowUp", Some(4)), Some(Some(1)));
        assert_eq!(moved("ArrowLeft", Some(3)), Some(Some(3)));
        assert_eq!(moved("End", Some(0)), Some(Some(5)));
        assert_eq!(moved("Escape", Some(4)), Some(None));
        assert_eq!(moved("Escape", None), None, "then it cancels the run");
        assert_eq!(moved("g", Some(4)), None);
    }
}
