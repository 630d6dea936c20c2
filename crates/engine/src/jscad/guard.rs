//! Checks before native calls. The kernel panics on some numbers, runs for ever on others, and turns the worst into wrong
//! geometry without an error, so nothing reaches it unchecked.

use vitrine_model::LimitKind;

use super::fault::Fault;

/// Largest coordinate, in millimetres (ten kilometres): far above any product, far below where the kernel loses precision.
pub(super) const COORDINATE_ABS_MAX: f64 = 1e7;
/// Points of one flat shape. Clipping more takes seconds that nobody can interrupt.
pub(super) const POINTS_2D_MAX: usize = 200_000;
/// Points of one hull: a million take 18 seconds that nobody can interrupt.
pub(super) const HULL_POINTS_MAX: usize = 100_000;
/// Pairs of triangle and vertex of one Minkowski sum, each of which costs a part of a hull.
pub(super) const MINKOWSKI_PAIRS_MAX: usize = 2_000_000;
/// Twist of one extrusion, in degrees: a thousand turns.
pub(super) const TWIST_DEGREES_MAX: f64 = 360_000.0;
/// Numbers of one array that crosses from the script: coordinates of the largest body that may be imported.
pub(super) const NUMBERS_MAX: usize = 4_000_000;

/// A finite number of usable size.
pub(super) fn coordinate(at: &str, value: f64) -> Result<f64, Fault> {
    if value.is_finite() && value.abs() <= COORDINATE_ABS_MAX {
        return Ok(value);
    }
    Err(Fault::refused(
        at,
        format_args!(
            "{value} is not a usable number: coordinates and sizes must be finite and within \
             ±{COORDINATE_ABS_MAX}"
        ),
    ))
}

/// All numbers are usable.
pub(super) fn coordinates(at: &str, values: &[f64]) -> Result<(), Fault> {
    values
        .iter()
        .try_for_each(|value| coordinate(at, *value).map(drop))
}

/// A length that is not nothing.
pub(super) fn positive(at: &str, value: f64) -> Result<f64, Fault> {
    coordinate(at, value)?;
    if value > 0.0 {
        return Ok(value);
    }
    Err(Fault::refused(
        at,
        format_args!("{value} must be greater than zero"),
    ))
}

/// A number of segments or steps as the kernel counts them.
pub(super) fn segments(at: &str, value: f64, max: u32) -> Result<i32, Fault> {
    if !value.is_finite() || value < 1.0 {
        return Err(Fault::refused(
            at,
            format_args!("{value} is not a number of segments"),
        ));
    }
    if value > f64::from(max) {
        return Err(Fault::limit(
            LimitKind::Segments,
            at,
            format!("{value} of {max} segments"),
            "use fewer segments: 64 look round, even close up",
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be between 1 and a u32 just above"
    )]
    Ok(value.floor() as i32)
}

/// A count that must not go over `max`.
pub(super) fn count(at: &str, what: &str, found: usize, max: usize) -> Result<(), Fault> {
    if found <= max {
        return Ok(());
    }
    Err(Fault::limit(
        LimitKind::Triangles,
        at,
        format!("{found} {what}, at most {max} are possible"),
        "use fewer segments or simpler shapes",
    ))
}

/// A number of triangles that must not go over `max`.
pub(super) fn triangles(at: &str, found: usize, max: u64) -> Result<(), Fault> {
    if u64::try_from(found).is_ok_and(|found| found <= max) {
        return Ok(());
    }
    Err(Fault::limit(
        LimitKind::Triangles,
        at,
        format!("{found} of {max} triangles"),
        "use fewer segments or steps",
    ))
}
