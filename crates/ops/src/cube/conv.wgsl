// A convolution of 3x3. A unit adds up one channel of PIXELS pixels beside one another; units beside one another have
// neighbouring channels, so that they read neighbouring weights and the same pixels. The channels of a pixel lie
// together in what is written.

#read x f32
#read w f32
#if BIAS
#read bias f32
#end
#if ADD
#read other f32
#end
#write y f32
#info

@compute @workgroup_size(UNITS, LINES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) unit: vec3<u32>) {
    let height = info[0];
    let width = info[1];
    let pieces = info[2];
    let channel = group.x * UNITS + unit.x;
    let own = min(channel, TO - 1u);
    let piece = group.y * LINES + unit.y;
    let line = min(piece / pieces, height - 1u);
    let first = piece % pieces * PIXELS;
    let start = group.z * info[3];
#for p in PIXELS
    var sum$p = 0.0;
#end
    // Of a pixel to the left of the piece, of its pixels, and of one to the right: where it is, and whether it is there.
#for p in TAPS
    let column$p = min(first + $pu, width) - min(1u, first + $pu);
    let there$p = first + $pu > 0u && first + $pu <= width;
    let x$p = start + column$p / STEP * info[6];
#end
    for (var i = 0u; i < 3u; i++) {
        if line + i == 0u || line + i > height {
            continue;
        }
        var line_at = (line + i - 1u) / STEP * info[5];
        var w_at = i * 3u * TO + own;
        for (var c = 0u; c < FROM; c++) {
            let w0 = w[w_at];
            let w1 = w[w_at + TO];
            let w2 = w[w_at + 2u * TO];
#for p in TAPS
            let v$p = select(0.0, x[line_at + x$p], there$p);
#end
#for p in PIXELS
            sum$p += w0 * v$p + w1 * v@{$p+1} + w2 * v@{$p+2};
#end
            line_at += info[4];
            w_at += 9u * TO;
        }
    }
    if channel < TO && piece / pieces < height {
#for p in PIXELS
        if first + $pu < width {
            finish((group.z * height + line) * width + first + $pu, group.z, line, first + $pu, channel, sum$p);
        }
#end
    }
}

fn finish(pixel: u32, picture: u32, line: u32, column: u32, channel: u32, sum: f32) {
    var v = sum;
#if BIAS
    v += bias[channel];
#end
#if ADD
    v += other[picture * info[7] + channel * info[8] + line * info[9] + column * info[10]];
#end
#if RELU
    v = max(v, 0.0);
#end
    y[pixel * TO + channel] = v;
}
