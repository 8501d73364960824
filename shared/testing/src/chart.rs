//! Line charts in SVG, for the reports of benchmarks.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 220.0;
/// Room for the title and for the numbers at both axes.
const TOP: f64 = 34.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 4] = ["#0b62a4", "#c2410c", "#15803d", "#7e22ce"];

/// What is drawn over what; both axes begin at 0.
pub struct Chart {
    pub title: String,
    /// What the numbers of the lower axis are.
    pub x: String,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A file with these charts, one below the other.
pub fn svg(charts: &[Chart]) -> String {
    let height = HEIGHT * charts.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (number, chart) in charts.iter().enumerate() {
        writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * number as f64).unwrap();
        chart.draw(&mut svg);
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (x_step, x_end) = axis(points().map(|(x, _)| *x).fold(0.0, f64::max));
        let (y_step, y_end) = axis(points().map(|(_, y)| *y).fold(0.0, f64::max));
        let at_x = |x: f64| LEFT + (WIDTH - LEFT - RIGHT) * x / x_end;
        let at_y = |y: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / y_end;
        writeln!(svg, "<text x=\"{LEFT}\" y=\"18\" font-weight=\"bold\">{}</text>", escaped(&self.title)).unwrap();
        for y in ticks(y_step, y_end) {
            let (at, end) = (at_y(y), WIDTH - RIGHT);
            writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/>").unwrap();
            writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{y}</text>", LEFT - 6.0, at + 4.0).unwrap();
        }
        for x in ticks(x_step, x_end) {
            let below = HEIGHT - BOTTOM + 16.0;
            writeln!(svg, "<text x=\"{:.1}\" y=\"{below}\" text-anchor=\"middle\">{x}</text>", at_x(x)).unwrap();
        }
        let (middle, below) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0);
        writeln!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escaped(&self.x)).unwrap();
        for (number, (line, colour)) in self.lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let (end, name) = (WIDTH - RIGHT - 150.0 * number as f64, escaped(&line.name));
            writeln!(svg, "<text x=\"{end}\" y=\"18\" text-anchor=\"end\" fill=\"{colour}\">{name}</text>").unwrap();
            let points: Vec<String> =
                line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y))).collect();
            let points = points.join(" ");
            writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\"/>").unwrap();
        }
    }
}

/// How far the numbers at an axis are apart, and where it ends: 1, 2 or 5 times a power of ten, at most six of them.
fn axis(largest: f64) -> (f64, f64) {
    let largest = largest.max(f64::MIN_POSITIVE);
    let power = 10_f64.powf((largest / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| step * 5.0 >= largest);
    let step = step.unwrap_or(power * 10.0);
    (step, step * (largest / step).ceil())
}

fn ticks(step: f64, end: f64) -> impl Iterator<Item = f64> {
    (0..=(end / step).round() as u32).map(move |number| (f64::from(number) * step * 1e6).round() / 1e6)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_numbers_up_to_the_largest_value() {
        for (largest, expect) in [
            (600.0, vec![0.0, 200.0, 400.0, 600.0]),
            (96.2, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
            (5.0, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (0.11, vec![0.0, 0.05, 0.1, 0.15]),
        ] {
            let (step, end) = axis(largest);
            assert_eq!(ticks(step, end).collect::<Vec<_>>(), expect, "{largest}");
        }
        assert!(axis(0.0).1 > 0.0, "a chart of nothing is drawn, too");
    }

    #[test]
    fn each_line_is_drawn_within_its_chart() {
        let line = Line { name: "a < b".to_owned(), points: vec![(0.0, 0.0), (600.0, 100.0)] };
        let chart = Chart { title: "MB".to_owned(), x: "seconds".to_owned(), lines: vec![line] };
        let svg = svg(&[chart]);
        assert!(svg.contains("<polyline points=\"60.0,180.0 740.0,34.0\""), "{svg}");
        assert!(svg.contains(">a &lt; b</text>") && svg.ends_with("</svg>\n"));
    }
}
