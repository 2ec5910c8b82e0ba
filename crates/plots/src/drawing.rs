//! The inside of a plot as SVG text. Pure: numbers, symbols and names of classes, so nothing needs escaping.

use super::geometry::{BOTTOM, HEIGHT, LEFT, Point, RIGHT, Scale, TOP, y};

/// What is drawn so far, the lowest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing(String);

impl Drawing {
    /// The axes with their words. The timestep t runs from noise to picture.
    pub fn axes(scale: Scale, end: usize, symbol: &str) -> Self {
        Self::between([&format!("t = {end}"), "t = 0"], scale, symbol)
    }

    /// The same with t from picture to noise.
    pub fn forward_axes(scale: Scale, end: usize, symbol: &str) -> Self {
        Self::between(["t = 0", &format!("t = {end}")], scale, symbol)
    }

    fn between([left, right]: [&str; 2], scale: Scale, symbol: &str) -> Self {
        let mut drawing = Self::default();
        let ticks = scale.ticks();
        let at = |value: f64| y(scale, value);
        let lines: String = ticks.iter().map(|(value, _)| format!("M{LEFT} {:.1}H{RIGHT}", at(*value))).collect();
        drawing.path("grid-lines", &lines);
        drawing.path("axis", &format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"));
        for (value, words) in &ticks {
            drawing.text("end", (LEFT - 5.0, at(*value) + 4.0), "", words);
        }
        let below = HEIGHT - 7.0;
        drawing.text("start", (LEFT, below), "", left);
        drawing.text("middle", ((LEFT + RIGHT) / 2.0, below), "name", symbol);
        drawing.text("end", (RIGHT, below), "", right);
        drawing
    }

    pub fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.0 += &format!("<path class=\"{class}\" d=\"{d}\"/>");
        }
    }

    /// Marks the step on the stage.
    pub fn marker(&mut self, place: Option<Point>) {
        if let Some((x, y)) = place {
            let dot = format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>");
            self.0 += &format!("<g class=\"marker\"><path d=\"M{x:.1} {TOP}V{BOTTOM}\"/>{dot}</g>");
        }
    }

    pub fn text(&mut self, anchor: &str, (x, y): Point, class: &str, words: &str) {
        self.0 += &format!("<text class=\"{class}\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
    }

    pub fn done(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_its_parts_in_order() {
        let mut drawing = Drawing::axes(Scale::Linear { max: 1.0 }, 999, "ᾱ");
        drawing.path("curve", "M1 2L3 4");
        drawing.path("curve other", "");
        drawing.marker(None);
        drawing.marker(Some((10.0, 20.0)));
        let svg = drawing.done();
        assert_eq!(svg.matches("<path").count(), 4, "{svg}");
        assert_eq!(svg.matches("<text").count(), 6, "three ticks, both ends, the name");
        assert!(svg.contains(">t = 999<") && svg.ends_with("r=\"4.5\"/></g>"));
        assert!(!svg.contains("other"), "what is not there is not drawn");
    }
}
