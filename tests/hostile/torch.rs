//! Pickles and the archives around them.

use crate::files::{Pickle, golden, read, torch, zip};
use crate::mutate::Random;
use crate::{SLACK, cases, fuzz, survives};
use ditscope_convert as convert;
use ditscope_convert::pickle::StateDict;
use ditscope_core::weights::NamedTensor;
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// A vector that grows is there twice for a moment, each time with room to spare.
const PICKLE: (usize, usize) = (4, 4 * SLACK);
/// Besides, an entry of an archive is some hundred bytes in memory and 46 in the file.
const ARCHIVE: (usize, usize) = (16, 5 * SLACK);

const OPCODES: &[u8] = b"\x80\x02\x95NKMJG\x88\x89\x8a\x8b\x8c\x8d\x8eXTBUC(012)\x85\x86\x87t]lae}dsu\x8f\x90\x91qr\x94hjc\x93R\x81\x92bQ.iojIFLSV";

fn words() -> Vec<&'static [u8]> {
    let mut words: Vec<&[u8]> = OPCODES.chunks(1).collect();
    words.extend([
        b"ccollections\nOrderedDict\n".as_slice(),
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch\nFloatStorage\n",
        b"cargparse\nNamespace\n",
        b"cos\nsystem\n",
        b"X\x03\x00\x00\x00ema",
        b"r\xff\xff\xff\xff",
        b"j\xff\xff\xff\x7f",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
    ]);
    words
}

fn small() -> Vec<NamedTensor> {
    let tensor = |name: &str, shape: &[usize]| NamedTensor {
        name: name.into(),
        shape: shape.to_vec(),
        values: vec![1.0; shape.iter().product()],
    };
    vec![tensor("x.weight", &[3, 4]), tensor("x.bias", &[3]), tensor("scalar", &[])]
}

fn training() -> Pickle {
    let start = Pickle::new().raw(b"}q\x00(").text("args").global("argparse", "Namespace").raw(b")\x81}").text("lr");
    start.int(3).raw(b"sbh\x00").raw(b"0").text("ema").dict(&small()).raw(b"u.")
}

fn state_dict(bytes: &[u8]) -> anyhow::Result<StateDict> {
    convert::pickle::state_dict(bytes, bytes.len() as u64)
}

fn places(bytes: &[u8]) -> anyhow::Result<usize> {
    Ok(convert::torch::read(Cursor::new(bytes), &Path::new("fuzzed").into())?.0.len())
}

#[test]
fn damaged_pickles() {
    let valid = [Pickle::state_dict(&small()).0, training().0, pickle_of_torch()];
    fuzz("pickle", &valid, &words(), PICKLE, state_dict);
}

/// Programs of nothing but opcodes.
#[test]
fn random_programs() {
    let words = words();
    for seed in 0..cases() {
        let mut random = Random::new(seed ^ 0xabcd);
        let length = random.below(200);
        let mut program = vec![0x80, 2];
        (0..length).for_each(|_| program.extend(words[random.below(words.len())]));
        program.push(b'.');
        survives(&format!("program {seed}"), &program, PICKLE, state_dict);
    }
}

#[test]
fn damaged_archives() {
    let valid = [
        read(&golden("dit-eps-p2-gray.pt")),
        torch(&Pickle::state_dict(&small()), &small()),
        torch(&training(), &small()),
        zip(&[("a/data.pkl", &Pickle::state_dict(&small()[..1]).0), ("a/data/0", &[0; 48])]),
    ];
    let zip_words: [&[u8]; 5] = [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"];
    let all: Vec<&[u8]> = words().into_iter().chain(zip_words).collect();
    fuzz("torch archive", &valid, &all, ARCHIVE, places);
}

/// The pickle of a file that torch itself wrote.
fn pickle_of_torch() -> Vec<u8> {
    let bytes = read(&golden("dit-eps-p2-gray.pt"));
    let mut archive = ZipArchive::new(Cursor::new(&bytes)).expect("an archive");
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    let name = names.iter().find(|name| name.ends_with("data.pkl")).expect("a pickle");
    let mut pickle = Vec::new();
    archive.by_name(name).expect("an entry").read_to_end(&mut pickle).expect("in memory");
    pickle
}

/// Each would take all memory, or the stack, of a reader that trusts it.
#[test]
fn pickles_that_want_too_much() {
    let repeated = |start: &[u8], piece: &[u8], times: usize, end: &[u8]| {
        [b"\x80\x02", start, &piece.repeat(times), end, b"."].concat()
    };
    let million = 1_000_000;
    let bombs = [
        ("marks", repeated(b"", b"(", million, b"")),
        ("empty dictionaries", repeated(b"", b"}", million, b"")),
        ("nested lists", repeated(b"]", b"]", million, &b"a".repeat(million))),
        ("nested tuples", repeated(b")", b"\x85", million, b"")),
        ("a list in itself", repeated(b"]q\x00", b"h\x00a", million, b"")),
        ("a dictionary of itself", repeated(b"}q\x00", b"h\x00h\x00s", million, b"")),
        ("doubling tuples", repeated(b")", b"2\x86", million, b"")),
        ("memo entries", repeated(b"N", b"\x94", million, b"")),
        ("a far memo entry", repeated(b"N", b"r\xff\xff\xff\xff", 1, b"")),
        ("a long string", repeated(b"", b"X\xff\xff\xff\x7f", 1, b"")),
        ("a longer string", repeated(b"", b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", 1, b"")),
        ("a big shape", huge_tensor()),
    ];
    for (what, bytes) in bombs {
        assert!(!survives(what, &bytes, PICKLE, state_dict).0, "{what} is no state_dict");
        let archive = zip(&[("a/data.pkl", &bytes)]);
        assert!(!survives(what, &archive, ARCHIVE, places).0, "{what} is no checkpoint");
    }
}

/// A shape whose product overflows.
fn huge_tensor() -> Vec<u8> {
    let sides = [0x7fff_ffff; 4];
    Pickle::new().raw(b"}(").text("x").tensor_of(0, "FloatStorage", &sides, &[1, 1, 1, 1], 4).raw(b"u.").0
}
