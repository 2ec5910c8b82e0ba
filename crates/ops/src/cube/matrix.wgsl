// y = x·W + b, and what follows. A unit adds up ROWS rows of COLUMNS columns, where a column is a `V`: one number, or as
// many as come of one word of the weights. Beside one another lie units of neighbouring columns, so that they read
// neighbouring weights and the same x.

#if X4
#read x vec4<f32>
#else
#read x f32
#end
#if HALF
alias V = vec2<f32>;
#read w u32
#else
alias V = f32;
#if INT8
#read w vec4<u32>
#read scales f32
#else
#read w f32
#end
#end
#if BIAS
#read bias V
#end
#if ADD
#read other V
#end
#if GATE
#read gate V
#end
#write y V
#info

#if HALF
fn weight(at: u32) -> V {
    return unpack2x16float(w[at]);
}
#else
#if INT8
#else
fn weight(at: u32) -> V {
    return w[at];
}
#end
#end

@compute @workgroup_size(UNITS, LINES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) unit: vec3<u32>) {
    let rows = info[0];
    let row = (group.y * LINES + unit.y) * ROWS;
    let column = group.x * UNITS * COLUMNS + unit.x;
#for r in ROWS
    let x$r = min(row + $ru, rows - 1u) * (DEPTH / FOUR);
#end
#for c in COLUMNS
    let column$c = min(column + $cu * UNITS, WIDTH - 1u);
#end
#for r in ROWS
#for c in COLUMNS
    var sum$r_$c = V();
#end
#end

#if INT8
    // Sixteen inputs of a column at once.
    for (var k = 0u; k < DEPTH / 16u; k++) {
#for c in COLUMNS
        let q$c = w[column$c * (DEPTH / 16u) + k];
        // unpack4x8snorm makes 1 of 127.
        let scale$c = 127.0 * scales[column$c * GROUPS + k / (GROUP / 16u)];
#end
#for i in 4
#for c in COLUMNS
        let w$i_$c = scale$c * unpack4x8snorm(q$c[$i]);
#end
#for r in ROWS
        let a$i_$r = x[x$r + 4u * k + $iu];
#for c in COLUMNS
        sum$r_$c += dot(a$i_$r, w$i_$c);
#end
#end
#end
    }
#else
    for (var k = 0u; k < DEPTH / 4u; k++) {
#for r in ROWS
#if X4
        let a$r = x[x$r + k];
#else
        let a$r = vec4<f32>(x[x$r + 4u * k], x[x$r + 4u * k + 1u], x[x$r + 4u * k + 2u], x[x$r + 4u * k + 3u]);
#end
#end
#for i in 4
        let at$i = (4u * k + $iu) * WIDTH;
#for c in COLUMNS
        let w$i_$c = weight(at$i + column$c);
#end
#for r in ROWS
#for c in COLUMNS
        sum$r_$c += a$r[$i] * w$i_$c;
#end
#end
#end
    }
#end
#if REST
    for (var k = DEPTH / 4u * 4u; k < DEPTH; k++) {
#for c in COLUMNS
        let w$c = weight(k * WIDTH + column$c);
#end
#for r in ROWS
#for c in COLUMNS
        sum$r_$c += x[x$r + k] * w$c;
#end
#end
    }
#end

#for c in COLUMNS
    if column + $cu * UNITS < WIDTH {
#for r in ROWS
        if row + $ru < rows {
            finish(row + $ru, column$c, sum$r_$c);
        }
#end
    }
#end
}

fn finish(row: u32, column: u32, sum: V) {
    var v = sum;
#if BIAS
    v += bias[column];
#end
#if GELU
    // x·sigmoid(x·(a + b·x²)); beyond 80 the exponential is 0 or would be infinite.
    v = v / (1.0 + exp(min(-v * (1.5957691216 + 0.0713548162726 * v * v), V() + 80.0)));
#end
#if GATE
    v *= gate[row / info[1] * info[3] + column];
#end
#if ADD
    v += other[row % info[2] * WIDTH + column];
#end
    y[row * WIDTH + column] = v;
}
