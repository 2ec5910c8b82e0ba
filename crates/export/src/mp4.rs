//! A film as an MP4 file (ISO/IEC 14496-12 and -15): the pictures come encoded, with the time at which each is seen.
//!
//! By hand: libraries that write such files know every codec there is, and would be the largest part of the page that comes
//! later. The tests read the files with one.

/// Units in a second: all times are milliseconds.
const SCALE: u32 = 1000;
/// Neither turned nor scaled, in fixed-point numbers.
const MATRIX: [u32; 9] = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30];

/// An encoded film.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    pub width: u16,
    pub height: u16,
    pub codec: Codec,
    pub colours: Colours,
    pub pictures: Vec<Picture>,
    /// How long it is.
    pub ms: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Codec {
    /// With what its encoder says of the stream: the content of `avcC` (ISO/IEC 14496-15).
    H264(Vec<u8>),
    /// With its level, times ten.
    Vp9(u8),
}

/// What the numbers of a pixel mean, in the codes of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colours {
    pub primaries: u8,
    pub transfer: u8,
    pub matrix: u8,
    pub full_range: bool,
}

impl Colours {
    /// The code of a name that WebCodecs gives; the same for primaries, transfer and matrix, where they share it.
    pub fn code(name: &str) -> u8 {
        const UNSPECIFIED: u8 = 2;
        match name {
            "bt709" => 1,
            "bt470bg" => 5,
            "smpte170m" => 6,
            "iec61966-2-1" => 13,
            _ => UNSPECIFIED,
        }
    }
}

/// An encoded picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// When it is first seen; until the next one is.
    pub at_ms: u32,
    /// Whether it needs none before it, so that one can go there.
    pub is_key: bool,
    pub data: Vec<u8>,
}

/// The file. What describes it stands before the pictures, so that it can be seen before it is there as a whole.
///
/// # Errors
/// When the pictures are in no order that a file can have, or take more than 4 GB.
pub fn file(video: &Video) -> Result<Vec<u8>, String> {
    let starts = video.pictures.iter().map(|picture| picture.at_ms);
    let first = starts.clone().next();
    let ends = starts.clone().skip(1).chain([video.ms]);
    let lengths: Vec<u32> = starts.zip(ends).map_while(|(start, end)| end.checked_sub(start)).collect();
    if first != Some(0) || lengths.contains(&0) || lengths.len() < video.pictures.len() {
        return Err("MP4: pictures in another order than they are seen in".into());
    }
    let kind = bytes(b"ftyp", &[b"isom", &[0; 4], b"isom", b"iso2", b"mp41"]);
    // Its length does not depend on the number in it.
    let start = kind.len() + description(video, &lengths, 0).len() + 8;
    let pictures: Vec<&[u8]> = video.pictures.iter().map(|picture| &picture.data[..]).collect();
    let size = pictures.iter().fold(start as u64, |sum, picture| sum + picture.len() as u64);
    if u32::try_from(size).is_err() {
        return Err("MP4: more than 4 GB".into());
    }
    Ok([kind, description(video, &lengths, start as u32), bytes(b"mdat", &pictures)].concat())
}

/// One track. Its pictures, each seen for so many milliseconds, begin at this place of the file.
fn description(video: &Video, lengths: &[u32], start: u32) -> Vec<u8> {
    let Video { width, height, ms, .. } = *video;
    let count = lengths.len() as u32;
    let times: Vec<u32> = lengths.iter().flat_map(|length| [1, *length]).collect();
    let keys: Vec<u32> =
        (1..).zip(&video.pictures).filter(|(_, picture)| picture.is_key).map(|(number, _)| number).collect();
    let sizes: Vec<u32> = video.pictures.iter().map(|picture| picture.data.len() as u32).collect();
    let table = [
        bytes(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &sample_entry(video)]),
        words(b"stts", &[&[0, count], &times]),
        words(b"stss", &[&[0, keys.len() as u32], &keys]),
        // All in one piece.
        words(b"stsc", &[&[0, 1, 1, count, 1]]),
        words(b"stsz", &[&[0, 0, count], &sizes]),
        words(b"stco", &[&[0, 1, start]]),
    ];
    // In this file.
    let place = bytes(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1], &words(b"url ", &[&[1]])]);
    let media = [
        words(b"mdhd", &[&[0, 0, 0, SCALE, ms, UNDETERMINED << 16]]),
        bytes(b"hdlr", &[&[0; 8], b"vide", &[0; 13]]),
        bytes(
            b"minf",
            &[&words(b"vmhd", &[&[1, 0, 0]]), &bytes(b"dinf", &[&place]), &bytes(b"stbl", &[&table.concat()])],
        ),
    ];
    let (rate, volume, next_track) = (1 << 16, 1 << 24, 2);
    // Enabled, and in the film.
    let flags = 3;
    let track = [
        words(
            b"tkhd",
            &[&[flags, 0, 0, 1, 0, ms, 0, 0, 0, 0], &MATRIX, &[u32::from(width) << 16, u32::from(height) << 16]],
        ),
        bytes(b"mdia", &[&media.concat()]),
    ];
    let movie = words(b"mvhd", &[&[0, 0, 0, SCALE, ms, rate, volume, 0, 0], &MATRIX, &[0; 6], &[next_track]]);
    bytes(b"moov", &[&movie, &bytes(b"trak", &[&track.concat()])])
}

/// How the pictures are encoded.
fn sample_entry(video: &Video) -> Vec<u8> {
    let Colours { primaries, transfer, matrix, full_range } = video.colours;
    let range = u8::from(full_range);
    let sides = [video.width.to_be_bytes(), video.height.to_be_bytes()].concat();
    // 72 dots to the inch, one picture in a sample, no name of a compressor, 24 bits.
    let look = [
        &[0, 0, 0, 0, 0, 0, 0, 1],
        &[0; 16][..],
        &sides,
        &[0, 72, 0, 0, 0, 72, 0, 0],
        &[0; 4],
        &[0, 1],
        &[0; 32],
        &[0, 24, 255, 255],
    ]
    .concat();
    let colours = bytes(b"colr", &[b"nclx", &[0, primaries, 0, transfer, 0, matrix, range << 7]]);
    match &video.codec {
        Codec::H264(configuration) => bytes(b"avc1", &[&look, &bytes(b"avcC", &[configuration]), &colours]),
        Codec::Vp9(level) => {
            // Profile 0: 8 bits, colours at a quarter of the places, together with the brightness above left.
            let bits_and_places = 8 << 4 | 1 << 1 | range;
            let codes = [1, 0, 0, 0, 0, *level, bits_and_places, primaries, transfer, matrix, 0, 0];
            bytes(b"vp09", &[&look, &bytes(b"vpcC", &[&codes]), &colours])
        }
    }
}

/// ISO 639's "und", five bits to the letter.
const UNDETERMINED: u32 = 0x55C4;

/// A box: its size, its name, what is in it.
fn bytes(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&(8 + content.len() as u32).to_be_bytes(), &name[..], &content].concat()
}

/// A box of numbers of 32 bits; the first are its version and flags.
fn words(name: &[u8; 4], parts: &[&[u32]]) -> Vec<u8> {
    let content: Vec<u8> = parts.concat().into_iter().flat_map(u32::to_be_bytes).collect();
    bytes(name, &[&content])
}

#[cfg(test)]
mod tests {
    use super::*;
    use shiguredo_mp4::Encode;
    use shiguredo_mp4::boxes::SampleEntry;
    use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

    fn video(codec: Codec) -> Video {
        let picture = |(i, at_ms)| Picture { at_ms, is_key: i % 2 == 0, data: vec![i as u8; 10 + i] };
        let pictures = [0, 250, 530].into_iter().enumerate().map(picture).collect();
        let colours = Colours { primaries: 1, transfer: 13, matrix: 1, full_range: true };
        Video { width: 198, height: 96, codec, colours, pictures, ms: 2530 }
    }

    /// As Chromium's encoder describes its stream.
    const AVCC: [u8; 33] = [
        1, 66, 192, 30, 255, 225, 0, 18, 103, 66, 192, 30, 140, 141, 64, 128, 67, 77, 192, 67, 64, 65, 225, 16, 141,
        64, 1, 0, 4, 104, 206, 60, 128,
    ];

    /// Start, length, whether it is a key, and data.
    type Read = (u64, u32, bool, Vec<u8>);

    /// Each picture; how long the whole is; how it is encoded.
    fn read(file: &[u8]) -> (Vec<Read>, u64, SampleEntry) {
        let mut reader = Mp4FileDemuxer::new();
        reader.handle_input(Input { position: 0, data: file });
        let tracks = reader.tracks().expect("tracks").to_vec();
        assert_eq!((tracks.len(), tracks[0].timescale.get()), (1, SCALE));
        let (mut pictures, mut entry) = (vec![], None);
        while let Some(sample) = reader.next_sample().expect("a picture") {
            let at = sample.data_offset as usize;
            let data = file[at..at + sample.data_size].to_vec();
            pictures.push((sample.timestamp, sample.duration, sample.keyframe, data));
            entry = entry.or(sample.sample_entry.cloned());
        }
        (pictures, tracks[0].duration, entry.expect("how it is encoded"))
    }

    #[test]
    fn pictures_come_back_with_their_times() {
        for codec in [Codec::H264(AVCC.to_vec()), Codec::Vp9(20)] {
            let video = video(codec);
            let (pictures, ms, _) = read(&file(&video).expect("a file"));
            let expected: Vec<_> = (video.pictures.iter().zip([250, 280, 2000]))
                .map(|(picture, length)| (u64::from(picture.at_ms), length, picture.is_key, picture.data.clone()))
                .collect();
            assert_eq!((pictures, ms), (expected, 2530));
        }
    }

    #[test]
    fn the_file_says_how_it_is_encoded() {
        let (.., SampleEntry::Avc1(entry)) = read(&file(&video(Codec::H264(AVCC.to_vec()))).expect("a file")) else {
            panic!("no H.264")
        };
        assert_eq!((entry.visual.width, entry.visual.height), (198, 96));
        assert_eq!(entry.avcc_box.encode_to_vec().expect("bytes")[8..], AVCC);
        assert_eq!(entry.avcc_box.sps_list, [AVCC[8..26].to_vec()]);
        let (.., SampleEntry::Vp09(entry)) = read(&file(&video(Codec::Vp9(30))).expect("a file")) else {
            panic!("no VP9")
        };
        let vpcc = entry.vpcc_box;
        assert_eq!((vpcc.level, vpcc.bit_depth.get(), vpcc.video_full_range_flag.get()), (30, 8, 1));
        assert_eq!((vpcc.colour_primaries, vpcc.transfer_characteristics, vpcc.matrix_coefficients), (1, 13, 1));
    }

    #[test]
    fn pictures_without_an_order_are_an_error() {
        let good = video(Codec::Vp9(20));
        let mut swapped = good.clone();
        swapped.pictures.swap(1, 2);
        let mut twice = good.clone();
        twice.pictures[2].at_ms = twice.pictures[1].at_ms;
        let short = Video { ms: 500, ..good.clone() };
        let mut late = good.clone();
        late.pictures.remove(0);
        let none = Video { pictures: vec![], ..good };
        for bad in [swapped, twice, short, late, none] {
            assert!(file(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn colours_have_the_codes_of_h273() {
        assert_eq!(["bt709", "bt470bg", "smpte170m", "iec61966-2-1", "?"].map(Colours::code), [1, 5, 6, 13, 2]);
    }
}
