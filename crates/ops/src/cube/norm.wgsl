// y = LN(x)·(1 + scale) + shift: a workgroup for each row, whose units add up every UNITS-th number.

#read x f32
#read shift f32
#read scale f32
#write y f32
#info

var<workgroup> sums: array<f32, UNITS>;
var<workgroup> squares: array<f32, UNITS>;

@compute @workgroup_size(UNITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) unit: u32) {
    let row = group.x + group.y * info[0];
    let rows = info[1];
    let start = min(row, rows - 1u) * WIDTH;
    var sum = 0.0;
#for i in EACH
    let d$i = unit + $iu * UNITS;
    let x$i = select(0.0, x[start + min(d$i, WIDTH - 1u)], d$i < WIDTH);
    sum += x$i;
#end
    sums[unit] = sum;
    workgroupBarrier();
    sum = 0.0;
    for (var i = 0u; i < UNITS; i++) {
        sum += sums[i];
    }
    let mean = sum / f32(WIDTH);

    sum = 0.0;
#for i in EACH
    let c$i = select(0.0, x$i - mean, d$i < WIDTH);
    sum += c$i * c$i;
#end
    squares[unit] = sum;
    workgroupBarrier();
    sum = 0.0;
    for (var i = 0u; i < UNITS; i++) {
        sum += squares[i];
    }
    let factor = 1.0 / sqrt(sum / f32(WIDTH) + bitcast<f32>(info[5]));

    let picture = row / info[2];
    if row < rows {
#for i in EACH
        if d$i < WIDTH {
            y[start + d$i] = c$i * factor * (1.0 + scale[picture * info[4] + d$i]) + shift[picture * info[3] + d$i];
        }
#end
    }
}
