//! The cache directory, whatever happens to it: never a wrong answer, never an
//! end of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use notation_verifier::io::evidence::{DirectoryOptions, EvidenceFetcher, Mode};

use crate::made::{crl, in_seconds, ocsp_request, ocsp_response, sized_crl};
use crate::server::Server;
use crate::{cause, content, with};

fn good() -> Vec<u8> {
    crl(Some(in_seconds(3600)))
}

fn at(path: &Path) -> EvidenceFetcher {
    with(|options| options.directory = Some(DirectoryOptions::new(path)))
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn another_process_finds_what_one_fetched() {
    let folder = tempfile::tempdir().unwrap();
    // It is created, its parents are not.
    let path = folder.path().join("cache");
    let list = Server::with("200 OK", good());
    let responder = Server::with("200 OK", ocsp_response(in_seconds(3600)));
    for _ in 0..3 {
        let fetcher = at(&path);
        assert_eq!(content(&fetcher, &list.url("/")), good());
        let _ = fetcher.get(&ocsp_request(responder.url("")), usize::MAX);
        assert_eq!(fetcher.warnings(), Vec::<String>::new());
    }
    assert_eq!((list.hits(), responder.hits()), (1, 1));
    assert_eq!(files(&path).len(), 2);
    let cached = with(|options| {
        options.directory = Some(DirectoryOptions::new(&path));
        options.mode = Mode::CacheOnly;
    });
    assert_eq!(content(&cached, &list.url("/")), good());
    assert!(cause(&cached, &list.url("/other")).contains("no answer is cached"));
    assert_eq!(list.hits(), 1);
}

#[test]
fn what_has_expired_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("200 OK", good());
    let _ = content(&at(folder.path()), &server.url("/"));
    let later = |mode| {
        with(|options| {
            options.directory = Some(DirectoryOptions::new(folder.path()));
            options.mode = mode;
            options.moment = Some(in_seconds(7200));
        })
    };
    let why = cause(&later(Mode::CacheOnly), &server.url("/"));
    assert!(why.starts_with("the cached answer expired at "), "{why}");
    let _ = content(&later(Mode::Online), &server.url("/"));
    assert_eq!(server.hits(), 2);
    let old = with(|options| {
        let mut directory = DirectoryOptions::new(folder.path());
        directory.max_age = Duration::ZERO;
        options.directory = Some(directory);
    });
    std::thread::sleep(Duration::from_millis(1_100));
    let _ = content(&old, &server.url("/"));
    assert_eq!(server.hits(), 3);
}

#[test]
fn damaged_and_foreign_files_are_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("200 OK", good());
    let _ = content(&at(folder.path()), &server.url("/"));
    let path = files(folder.path()).remove(0);
    let sound = fs::read(&path).unwrap();
    let replaced = |from: &str, to: &str| {
        let text = sound
            .iter()
            .map(|octet| char::from(*octet))
            .collect::<String>();
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect::<Vec<u8>>()
    };
    let mut damaged = vec![
        Vec::new(),
        b"\n\n".to_vec(),
        vec![0; 1_000],
        good(),
        [&sound[..], b"more"].concat(),
        replaced("evidence 1", "evidence 2"),
        replaced("kind: crl", "kind: ocsp"),
        replaced("url: http:", "url: ftp:"),
        replaced("length: ", "length: 1"),
        replaced("fetched: 2", "fetched: x"),
        replaced("fetched: 20", "fetched: 29"),
        replaced("fetched: 20", "fetched: 10"),
        replaced("sha256: ", "sha256:  "),
    ];
    damaged.extend((1..sound.len()).step_by(7).map(|cut| sound[..cut].to_vec()));
    for position in (0..sound.len()).step_by(11) {
        let mut flipped = sound.clone();
        flipped[position] ^= 1;
        damaged.push(flipped);
    }
    assert!(damaged.len() > 80);
    for (number, octets) in damaged.iter().enumerate() {
        fs::write(&path, octets).unwrap();
        let hits = server.hits();
        assert_eq!(content(&at(folder.path()), &server.url("/")), good());
        // A flipped digit of the time may leave a file that is right.
        if server.hits() == hits {
            assert!(octets.ends_with(&good()), "{number} was used");
        }
    }
    // The file of another request under this one's name.
    let _ = content(&at(folder.path()), &server.url("/other"));
    let other = files(folder.path())
        .into_iter()
        .find(|file| *file != path)
        .unwrap();
    fs::copy(&other, &path).unwrap();
    let fetcher = at(folder.path());
    let hits = server.hits();
    assert_eq!(content(&fetcher, &server.url("/")), good());
    assert_eq!(server.hits(), hits + 1);
    let warnings = fetcher.warnings();
    assert!(
        warnings[0].contains("belongs to another request"),
        "{warnings:?}"
    );
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("200 OK", good());
    let _ = content(&at(folder.path()), &server.url("/"));
    let path = files(folder.path()).remove(0);
    let elsewhere = folder.path().join("elsewhere");
    let mut hits = server.hits();
    for kind in ["link", "pipe", "folder"] {
        let _ = fs::remove_file(&path);
        match kind {
            "link" => {
                fs::write(&elsewhere, b"x").unwrap();
                std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
            }
            "pipe" => {
                let made = Command::new("mkfifo").arg(&path).status().unwrap();
                assert!(made.success());
            }
            _ => fs::create_dir(&path).unwrap(),
        }
        let fetcher = at(folder.path());
        assert_eq!(content(&fetcher, &server.url("/")), good());
        assert!(fetcher.warnings()[0].contains("not a regular file"));
        hits += 1;
        assert_eq!(server.hits(), hits, "{kind}");
    }
    // What the link named was not written to.
    assert_eq!(fs::read(&elsewhere).unwrap(), b"x");
}

#[test]
fn a_directory_that_cannot_be_used_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("200 OK", good());
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let missing = folder.path().join("not/mounted");
    for path in [&file, &missing] {
        let fetcher = at(path);
        assert_eq!(content(&fetcher, &server.url("/")), good());
        let warnings = fetcher.warnings();
        assert!(!warnings.is_empty());
        assert!(
            warnings[0].contains(&*path.to_string_lossy()),
            "{warnings:?}"
        );
    }
    assert!(!folder.path().join("not").exists());
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("200 OK", good());
    let _ = content(&at(folder.path()), &server.url("/"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("probe"), b"x").is_ok() {
        println!("the administrator may write everywhere: nothing to see");
        return;
    }
    let fetcher = at(folder.path());
    assert_eq!(content(&fetcher, &server.url("/")), good());
    assert_eq!(server.hits(), 1);
    assert_eq!(content(&fetcher, &server.url("/other")), good());
    assert!(fetcher.warnings()[0].contains("cannot be written"));
    assert_eq!(files(folder.path()).len(), 1);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A small file system of its own, where this user may mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_directory_on_another_mount_is_a_warning() {
    struct Mounted<'a>(&'a Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("this user may not mount: nothing to see");
        return;
    }
    let _mounted = Mounted(folder.path());
    let large = sized_crl(Some(in_seconds(3600)), 200_000);
    let small = Server::with("200 OK", good());
    let server = Server::with("200 OK", large.clone());
    let fetcher = at(folder.path());
    assert_eq!(content(&fetcher, &server.url("/")), large);
    assert!(fetcher.warnings()[0].contains("cannot be written"));
    // Nothing of it is left behind, and what fits is kept.
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    for _ in 0..2 {
        assert_eq!(content(&at(folder.path()), &small.url("/")), good());
    }
    assert_eq!(small.hits(), 1);
}

#[test]
fn the_oldest_files_go_and_other_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("README"), b"of somebody else").unwrap();
    let server = Server::with("200 OK", sized_crl(Some(in_seconds(3600)), 10_000));
    let bounded = |entries, bytes| {
        with(|options| {
            let mut directory = DirectoryOptions::new(folder.path());
            directory.entries = entries;
            directory.bytes = bytes;
            options.directory = Some(directory);
        })
    };
    let fetcher = bounded(3, u64::MAX);
    for number in 0..8 {
        let _ = content(&fetcher, &server.url(&format!("/{number}")));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(files(folder.path()).len(), 3 + 1);
    let hits = server.hits();
    let _ = content(&bounded(3, u64::MAX), &server.url("/7"));
    assert_eq!(server.hits(), hits);
    let _ = content(&bounded(100, 15_000), &server.url("/8"));
    assert_eq!(files(folder.path()).len(), 1 + 1);
    assert!(folder.path().join("README").exists());
    assert_eq!(fetcher.warnings(), Vec::<String>::new());
}

const FOLDER: &str = "NOTATION_TEST_EVIDENCE_FOLDER";
const SERVER: &str = "NOTATION_TEST_EVIDENCE_SERVER";

/// Does nothing by itself: the next test starts it several times as a process.
#[test]
fn one_of_many_processes() {
    let (Some(folder), Ok(server)) = (std::env::var_os(FOLDER), std::env::var(SERVER)) else {
        return;
    };
    let folder = PathBuf::from(folder);
    for round in 0..60_usize {
        let number = round % 4;
        let fetcher = at(&folder);
        let url = format!("{server}/{number}");
        let list = content(&fetcher, &url);
        assert_eq!(
            list.len(),
            length_of(number),
            "a wrong answer from the cache"
        );
    }
}

fn length_of(number: usize) -> usize {
    sized_crl(Some(in_seconds(3600)), 1 + number * 5_000).len()
}

#[test]
fn many_processes_and_a_vandal_share_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|asked, stream| {
        use std::io::Write as _;
        let number: usize = asked.target[1..].parse().unwrap();
        let list = sized_crl(Some(in_seconds(3600)), 1 + number * 5_000);
        let _ = stream.write_all(&crate::server::reply("200 OK", &[], &list));
    });
    let mut processes: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "directory::one_of_many_processes"])
                .env(FOLDER, folder.path())
                .env(SERVER, server.url(""))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut damaged = 0;
    let mut failed = Vec::new();
    while !processes.is_empty() {
        // Cuts, empties and removes files under the readers.
        for (number, path) in files(folder.path()).into_iter().enumerate() {
            let Ok(octets) = fs::read(&path) else {
                continue;
            };
            damaged += 1;
            let _ = match number % 3 {
                0 => fs::write(&path, &octets[..octets.len() / 2]),
                1 => fs::write(&path, b""),
                _ => fs::remove_file(&path),
            };
        }
        std::thread::sleep(Duration::from_millis(5));
        processes.retain_mut(|process| match process.try_wait().unwrap() {
            Some(status) => {
                if !status.success() {
                    failed.push(status);
                }
                false
            }
            None => true,
        });
    }
    assert!(failed.is_empty(), "{failed:?}");
    assert!(damaged > 0);
}
