//! Every bound on what a model may declare, with its reason.

/// Parameters of one model. A panel with more is not usable, and each value is hashed into every version.
pub const PARAMETERS_MAX: usize = 500;
/// Outputs of one model. Every computation request answers with all of them.
pub const OUTPUTS_MAX: usize = 200;
/// Exports of one model. Session creation answers with all of them.
pub const EXPORTS_MAX: usize = 200;
/// Characters of a parameter, output, export, group or display name. Names become labels and file names.
pub const NAME_LENGTH_MAX: usize = 200;
/// Characters of a tooltip, which is one short paragraph.
pub const TOOLTIP_LENGTH_MAX: usize = 2_000;
/// Choices of one list: enough for any catalogue that a person still scrolls through.
pub const CHOICES_MAX: usize = 1_000;
/// Characters of one choice, which is one line of a drop-down.
pub const CHOICE_LENGTH_MAX: usize = 500;
/// Accepted content types of a file parameter.
pub const FILE_FORMATS_MAX: usize = 100;
/// Bytes of the free `settings` object of one parameter, written as JSON.
pub const SETTINGS_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a whole definition, written as JSON: it is one database column and part of every session's answer.
pub const DEFINITION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters that a text parameter may allow at most: longer texts are files.
pub const STRING_LENGTH_MAX: u32 = 100_000;
/// Characters that a text parameter allows when its model says nothing.
pub const STRING_LENGTH_DEFAULT: u32 = 10_000;
/// Decimal places of a number. More cannot be told apart in a picture, and the printed form must stay short.
pub const DECIMALS_MAX: u8 = 10;
/// Largest magnitude of a whole number: beyond it JSON clients silently lose digits.
pub const INTEGER_ABS_MAX: i64 = 1 << 53;
/// Largest magnitude of a decimal number: the kernel's coordinates stay far below it, and the printed form stays short.
pub const FLOAT_ABS_MAX: f64 = 1e12;
/// Bytes of a file that a file parameter may ask for at most.
pub const FILE_SIZE_MAX: u64 = 1024 * 1024 * 1024;
/// Characters of a refused value that an error message repeats.
pub const ECHO_LENGTH_MAX: usize = 80;
/// Warnings about ignored parameters that one request collects; the rest is only counted.
pub const WARNINGS_MAX: usize = 20;
