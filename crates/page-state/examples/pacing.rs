//! How far the picture that is played is from the final one, over the time of playback: for recorded runs
//! (`dit sample --record FOLDER`), whose folders are the arguments.

use ditscope_page_state::film::Film;
use ditscope_page_state::timeline::Pacing;
use std::error::Error;
use std::fs;
use std::path::Path;

/// As long as a film of 30 steps is played at usual speed.
const TOTAL_MS: f64 = 3870.0;

fn main() -> Result<(), Box<dyn Error>> {
    println!("| run | time | 0 % | 10 % | 20 % | 30 % | 40 % | 50 % | 60 % | 70 % | 80 % | 90 % | 100 % |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for folder in std::env::args().skip(1) {
        let file = |name| fs::read(Path::new(&folder).join(name));
        let film = Film::from_recording(serde_json::from_slice(&file("run.json")?)?, &file("run.bin")?);
        let film = film.map_err(|why| format!("{folder}: {why:?}"))?;
        for pacing in [Pacing::Even, Pacing::ByChange] {
            let cells: Vec<String> = (0..=10).map(|tenth| format!("{:.1}", distance(&film, pacing, tenth))).collect();
            println!("| {}, {} | {pacing:?} | {} |", film.model, film.label, cells.join(" | "));
        }
    }
    Ok(())
}

/// Root mean square difference of the colours, 0 to 255, after so many tenths of the time.
fn distance(film: &Film, pacing: Pacing, tenths: usize) -> f64 {
    let plan = pacing.plan(film, film.frames(), TOTAL_MS, 50.0);
    let mut left = TOTAL_MS / 10.0 * tenths as f64;
    let shown = plan.iter().find(|(_, ms)| {
        left -= *ms as f64;
        left < 0.0
    });
    let Some((last, _)) = plan.last() else { return 0.0 };
    let shown = shown.map_or(last, |(frame, _)| frame);
    let squares = shown.x0.iter().zip(&last.x0).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    // Opacity is the same in both.
    (squares.sum::<f64>() / (last.x0.len() as f64 * 0.75)).sqrt()
}
