// Clean latents and noise of a step, a number a unit. Five tensors come one after the other: the clean latents, the noise
// that goes with them, and the noise before clamping: guided, with the class, without it.

#read x f32
#read cond f32
#if GUIDED
#read uncond f32
#end
#write y f32
#info

fn number(i: u32) -> f32 {
    return bitcast<f32>(info[i]);
}

@compute @workgroup_size(UNITS)
fn main(@builtin(global_invocation_id) unit: vec3<u32>) {
    let size = info[0];
    let i = unit.x;
    if i >= size {
        return;
    }
    let picture = i / PICTURE;
    let x_t = x[i];
    let with_class = cond[picture * info[1] + i % PICTURE];
    var output = with_class;
#if GUIDED
    let without = uncond[picture * info[2] + i % PICTURE];
    if i % PICTURE < info[3] {
        output = without + (with_class - without) * number(11u + min(picture, info[10] - 1u));
    }
    y[i + 4u * size] = x_t * number(6u) + without * number(7u);
#end
    var x0 = x_t * number(4u) + output * number(5u);
    let noise = x_t * number(6u) + output * number(7u);
    y[i + 2u * size] = noise;
    y[i + 3u * size] = x_t * number(6u) + with_class * number(7u);
#if CLAMPED
    x0 = clamp(x0, -number(8u), number(8u));
    y[i + size] = (x_t - x0 * number(9u)) / number(11u + info[10]);
#else
    y[i + size] = noise;
#end
    y[i] = x0;
}
