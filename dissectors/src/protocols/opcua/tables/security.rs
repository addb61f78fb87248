//! Security policies and modes, application types, kinds of user tokens, by their standardised names and numbers.

/// A security policy (Part 7).
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// The last part of its URI.
    pub name: &'static str,
    /// Withdrawn.
    pub deprecated: bool,
    /// How strong, for comparison; 0 is none at all.
    pub rank: u8,
    /// Bytes of a symmetric signature.
    pub signature: usize,
}

/// What all policies' URIs begin with.
const PREFIX: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#";

const fn policy(name: &'static str, deprecated: bool, rank: u8, signature: usize) -> Policy {
    Policy { name, deprecated, rank, signature }
}

/// Those that are standardised.
pub static POLICIES: &[Policy] = &[
    policy("None", false, 0, 0),
    policy("Basic128Rsa15", true, 1, 20),
    policy("Basic256", true, 2, 20),
    policy("Basic256Sha256", false, 3, 32),
    policy("Aes128_Sha256_RsaOaep", false, 3, 32),
    policy("Aes256_Sha256_RsaPss", false, 4, 32),
    policy("ECC_nistP256", false, 4, 32),
    policy("ECC_nistP384", false, 5, 48),
    policy("ECC_brainpoolP256r1", false, 4, 32),
    policy("ECC_brainpoolP384r1", false, 5, 48),
    policy("ECC_curve25519", false, 4, 16),
    policy("ECC_curve448", false, 5, 16),
];

/// The policy of a URI.
pub fn policy_of(uri: &[u8]) -> Option<&'static Policy> {
    let name = uri.strip_prefix(PREFIX)?;
    POLICIES.iter().find(|policy| policy.name.as_bytes() == name)
}

/// Whether messages are signed and encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Mode {
    /// Not seen.
    #[default]
    Unknown,
    None,
    Sign,
    SignAndEncrypt,
}

impl Mode {
    /// By its number on the wire.
    pub fn of(number: u32) -> Mode {
        match number {
            1 => Mode::None,
            2 => Mode::Sign,
            3 => Mode::SignAndEncrypt,
            _ => Mode::Unknown,
        }
    }

    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Unknown => "unknown",
            Mode::None => "none",
            Mode::Sign => "sign",
            Mode::SignAndEncrypt => "sign_and_encrypt",
        }
    }
}

/// Kind of a user's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum UserType {
    /// Not seen.
    #[default]
    Unknown,
    Anonymous,
    UserName,
    Certificate,
    Issued,
}

impl UserType {
    /// By its number in a user token policy.
    pub fn of(number: u32) -> UserType {
        match number {
            0 => UserType::Anonymous,
            1 => UserType::UserName,
            2 => UserType::Certificate,
            3 => UserType::Issued,
            _ => UserType::Unknown,
        }
    }

    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            UserType::Unknown => "unknown",
            UserType::Anonymous => "anonymous",
            UserType::UserName => "user_name",
            UserType::Certificate => "certificate",
            UserType::Issued => "issued_token",
        }
    }
}

/// Name of an application type.
pub fn application_type(number: u32) -> &'static str {
    match number {
        0 => "server",
        1 => "client",
        2 => "client_and_server",
        3 => "discovery_server",
        _ => "unknown",
    }
}
