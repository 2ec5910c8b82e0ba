// A unit for each query: it goes once over keys and values, and keeps the largest score, the sum of the weights and the
// weighted sum of the values so far. Units beside one another have the same keys.

#read q vec4<f32>
#read k vec4<f32>
#read v vec4<f32>
#write y vec4<f32>
#info

@compute @workgroup_size(UNITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) unit: u32) {
    let tokens = info[0];
    let keys = info[1];
    let heads = info[2];
    let token = group.x * UNITS + unit;
    let q_at = group.z * info[4] + group.y * info[5] + min(token, tokens - 1u) * info[6];
    var k_at = group.z * info[7] + group.y * info[8];
    var v_at = group.z * info[10] + group.y * info[11];
    let scale = bitcast<f32>(info[3]);
#for i in HEAD
    let q$i = q[q_at + $iu] * scale;
    var o$i = vec4<f32>();
#end
    var largest = -1e30;
    var total = 0.0;
    for (var s = 0u; s < keys; s++) {
        var products = vec4<f32>();
#for i in HEAD
        products += q$i * k[k_at + $iu];
#end
        let score = products.x + products.y + products.z + products.w;
        if score > largest {
            let before = exp(largest - score);
            largest = score;
            total *= before;
#for i in HEAD
            o$i *= before;
#end
        }
        let weight = exp(score - largest);
        total += weight;
#for i in HEAD
        o$i += weight * v[v_at + $iu];
#end
        k_at += info[9];
        v_at += info[12];
    }
    if token < tokens {
        let at = ((group.z * tokens + token) * heads + group.y) * HEAD;
#for i in HEAD
        y[at + $iu] = o$i / total;
#end
    }
}
