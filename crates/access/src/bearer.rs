//! Bearer secrets: 256 random bits, shown once and stored as a digest.

/// Defines a bearer secret and the digest that stands for it.
macro_rules! bearer_secret {
    ($(#[$doc:meta])* $name:ident, $hash:ident, $label:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A fresh one.
            #[must_use]
            pub fn new(entropy: &dyn $crate::random::Entropy) -> Self {
                Self($crate::random::bytes(entropy))
            }

            /// The 64 digits, to be shown to the one caller that it was made for.
            #[must_use]
            pub fn reveal(&self) -> String {
                hex::encode(self.0)
            }

            /// What may be stored and looked up.
            #[must_use]
            pub fn hash(&self) -> $crate::ids::$hash {
                $crate::ids::$hash::from_bytes($crate::ids::sha256(&[$label, &self.0]))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::parse_lower_hex(text).map(Self).ok_or(
                    $crate::ids::IdError::new($what, "64 lower-case hexadecimal digits"),
                )
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                zeroize::Zeroize::zeroize(&mut self.0);
            }
        }
    };
}

pub(crate) use bearer_secret;
