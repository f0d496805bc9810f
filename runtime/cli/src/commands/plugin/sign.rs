//! `dualwright plugin keygen` and `plugin sign`: for those who give components to others. Nothing is asked of a runtime.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_plugin_host::registry::SigningKey;
use serde_json::json;

use crate::{Failure, Output};

const KEYGEN_EXAMPLE: &str = "\
KEY.pem is secret and readable by its owner only; KEY.pub goes to those who install, who name it under
[plugins] trusted-keys. Both are what OpenSSL reads (an ed25519 key as PKCS#8, and its public half).

Example:
  dualwright plugin keygen partner.pem";
const SIGN_EXAMPLE: &str = "\
Writes FILE.sig: 64 bytes, an ed25519 signature of the file. `dualwright plugin install` and the watched folder
find it beside the component.

Example:
  dualwright plugin sign --key partner.pem customers-accounts-1.1.0.wasm";

#[derive(Debug, Args)]
#[command(after_help = KEYGEN_EXAMPLE)]
pub(super) struct Keygen {
    /// Where the secret key goes; the public one goes beside it as .pub. Nothing that is there is overwritten.
    #[arg(value_name = "KEY.pem")]
    file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = SIGN_EXAMPLE)]
pub(super) struct Sign {
    /// The secret key, as `dualwright plugin keygen` or OpenSSL writes it.
    #[arg(long, value_name = "KEY.pem")]
    key: PathBuf,
    /// The components.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Keygen {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let public = self.file.with_extension("pub");
        if public == self.file {
            return Err(Failure::usage("the secret key cannot be called .pub: its public half is")
                .at(self.file.display())
                .hint("name it KEY.pem"));
        }
        let secret =
            SigningKey::generate().map_err(|error| Failure::runtime("cannot make a key").because(error))?;
        let key = SigningKey::parse("new", &secret)
            .map_err(|error| Failure::runtime("cannot make a key").because(error))?;
        // The public half first: a secret without it is no use, and it without a secret does no harm.
        write_new(&public, key.public_file().as_bytes(), false)?;
        write_new(&self.file, secret.as_bytes(), true)?;
        let (secret, public) = (self.file.display().to_string(), public.display().to_string());
        output.document(&json!({ "secret": secret, "public": public }))?;
        output.line(format!(
            "made {secret} (keep it secret) and {public} (give it to those who install: [plugins] trusted-keys = [\"{public}\"])"
        ));
        Ok(Exit::Done)
    }
}

impl Sign {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        let cannot = |what: &str, file: &Path, error: std::io::Error| {
            Failure::usage(what).at(file.display()).because(error)
        };
        let text = std::fs::read_to_string(&self.key).map_err(|error| {
            cannot("cannot read the key", &self.key, error)
                .hint("make one with: dualwright plugin keygen KEY.pem")
        })?;
        let key = SigningKey::parse(&self.key.display().to_string(), &text)
            .map_err(|error| Failure::usage("the key cannot be used").because(error))?;
        let mut written = Vec::new();
        for file in &self.files {
            let bytes =
                std::fs::read(file).map_err(|error| cannot("cannot read the component", file, error))?;
            let mut signature = file.clone().into_os_string();
            signature.push(".sig");
            let signature = PathBuf::from(signature);
            replace(&signature, &key.sign(&bytes))
                .map_err(|error| cannot("cannot write the signature", &signature, error))?;
            output.line(format!("signed {}: {}", file.display(), signature.display()));
            written.push(signature.display().to_string());
        }
        output.document(&json!({ "signatures": written }))?;
        Ok(Exit::Done)
    }
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if secret {
        for_the_owner_only(&mut options);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| {
        let failure = Failure::usage("cannot write the key").at(path.display()).because(&error);
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return failure.hint("keys are never overwritten: choose another name");
        }
        failure
    })
}

#[cfg(unix)]
fn for_the_owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn for_the_owner_only(_: &mut OpenOptions) {}

/// Whoever looks at the file meanwhile sees the old signature or the new one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("sig.part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use dualwright_plugin_host::registry::{PublicKey, SigningKey};

    use super::{Keygen, Sign};
    use crate::Output;

    #[test]
    fn a_key_is_made_once_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, component) = (folder.path().join("partner.pem"), folder.path().join("a.wasm"));
        let keygen = Keygen { file: secret.clone() };
        keygen.run(&Output::new(true)).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let before = std::fs::read(&secret).unwrap();
        let again = keygen.run(&Output::new(true)).unwrap_err().to_string();
        assert!(again.contains("never overwritten"), "{again}");
        assert_eq!(std::fs::read(&secret).unwrap(), before);
        let public = std::fs::read_to_string(folder.path().join("partner.pub")).unwrap();
        PublicKey::parse("partner", &public).unwrap();

        std::fs::write(&component, b"component").unwrap();
        let sign = Sign { key: secret, files: vec![component] };
        sign.run(&Output::new(true)).unwrap();
        let key = SigningKey::parse("again", &String::from_utf8(before).unwrap()).unwrap();
        assert_eq!(std::fs::read(folder.path().join("a.wasm.sig")).unwrap(), key.sign(b"component"));
    }
}
