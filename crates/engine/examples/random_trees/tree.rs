//! Random trees. `model.js` builds them here, `tests/engine/trees.py` builds them with another kernel; both read this JSON:
//!
//! ```text
//! { box: [x, y, z] }   { rod: [radius, height, segments] }   { cone: [low, high, height, segments] }
//! { ball: [radius, segments] }   { ring: [tube, around, tube segments, segments] }
//! { plate: [[x, y], ...], height, twist, steps }   { hull: [node, node] }
//! { move: [x, y, z], turn: [x, y, z] in degrees, size: [x, y, z], of: node }     sized, then turned, then moved
//! { join | cut | meet: [node, ...] }
//! ```

use serde_json::{Value, json};

use crate::chance::Chance;

/// Levels of booleans.
const DEPTH_MAX: usize = 4;
/// Bodies of one tree: larger ones would spend the time of many.
const LEAVES_MAX: usize = 24;

/// Where bodies stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// Anywhere, turned anyhow: no two faces lie in one plane.
    Free,
    /// On whole numbers, turned by quarters: many faces, edges and corners meet.
    Grid,
}

/// The tree of a seed.
pub(crate) fn tree(seed: u64, style: Style) -> Value {
    let mut grower = Grower {
        chance: Chance(seed),
        style,
        leaves: LEAVES_MAX,
    };
    let depth = 1 + grower.chance.below(DEPTH_MAX);
    grower.operation(depth)
}

struct Grower {
    chance: Chance,
    style: Style,
    leaves: usize,
}

impl Grower {
    fn node(&mut self, depth: usize) -> Value {
        if depth == 0 || self.leaves < 4 || self.chance.below(6) == 0 {
            let leaf = self.leaf();
            return self.placed(&leaf);
        }
        let operation = self.operation(depth);
        if self.chance.below(3) == 0 {
            return self.placed(&operation);
        }
        operation
    }

    fn operation(&mut self, depth: usize) -> Value {
        let operands = 2 + self.chance.below(3);
        let children: Vec<Value> = (0..operands).map(|_| self.node(depth - 1)).collect();
        match self.chance.below(10) {
            0..4 => json!({ "join": children }),
            4..8 => json!({ "cut": children }),
            8 => json!({ "meet": &children[..2] }),
            _ if self.style == Style::Free => json!({ "hull": &children[..2] }),
            _ => json!({ "join": children }),
        }
    }

    fn leaf(&mut self) -> Value {
        self.leaves = self.leaves.saturating_sub(1);
        if self.style == Style::Grid {
            return json!({ "box": [self.size(), self.size(), self.size()] });
        }
        let segments = 5 + self.chance.below(28);
        match self.chance.below(6) {
            0 => json!({ "box": [self.size(), self.size(), self.size()] }),
            1 => json!({ "rod": [self.size() / 2.0, self.size(), segments] }),
            2 => json!({ "cone": [self.size() / 2.0, self.size() / 4.0, self.size(), segments] }),
            3 => json!({ "ball": [self.size() / 2.0, 4 * (1 + segments / 4)] }),
            4 => {
                let tube = self.number(0.5, 2.0);
                json!({ "ring": [tube, tube + self.number(0.5, 6.0), 3 + segments / 3, segments] })
            }
            _ => self.plate(),
        }
    }

    /// A star, which is simple whatever its radii are.
    fn plate(&mut self) -> Value {
        let corners = 3 + self.chance.below(9);
        let points: Vec<Value> = (0..corners)
            .map(|corner| {
                let part = u32::try_from(corner).unwrap() + 1;
                let angle = std::f64::consts::TAU * f64::from(part)
                    / f64::from(u32::try_from(corners).unwrap());
                let radius = self.number(2.0, 8.0);
                json!([rounded(radius * angle.cos()), rounded(radius * angle.sin())])
            })
            .collect();
        let twist = if self.chance.below(2) == 0 {
            0.0
        } else {
            self.number(-120.0, 120.0)
        };
        let steps = 2 + self.chance.below(8);
        json!({ "plate": points, "height": self.size(), "twist": twist, "steps": steps })
    }

    fn placed(&mut self, of: &Value) -> Value {
        let (to, turn) = match self.style {
            Style::Grid => (
                [(); 3].map(|()| self.number(-5.0, 5.0)),
                [(); 3].map(|()| 90.0 * self.number(0.0, 3.0)),
            ),
            Style::Free => (
                [(); 3].map(|()| self.number(-9.0, 9.0)),
                [(); 3].map(|()| self.number(0.0, 360.0)),
            ),
        };
        let size = match self.chance.below(4) {
            // Mirrored.
            0 => [-1.0, 1.0, 1.0],
            1 if self.style == Style::Free => [(); 3].map(|()| self.number(0.6, 1.5)),
            _ => [1.0, 1.0, 1.0],
        };
        json!({ "move": to, "turn": turn, "size": size, "of": of })
    }

    fn size(&mut self) -> f64 {
        match self.style {
            // Even, so that centred boxes have their faces on whole numbers.
            Style::Grid => 2.0 * self.number(1.0, 5.0),
            Style::Free => self.number(2.0, 14.0),
        }
    }

    fn number(&mut self, low: f64, high: f64) -> f64 {
        let value = low + (high - low) * self.chance.share();
        match self.style {
            Style::Grid => value.round(),
            Style::Free => rounded(value),
        }
    }
}

/// With as many places as both readers of the JSON text take for the same number.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
