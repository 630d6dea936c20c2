//! Domain types become wire forms.
