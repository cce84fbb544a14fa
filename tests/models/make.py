"""Makes the reference models of this directory: tiny, random, one a family, each with the vectors that PyTorch computes for 50 texts.

    python -m venv venv && venv/bin/pip install torch "transformers>=4.57,<5" safetensors tokenizers
    venv/bin/python make.py            # all, or the names of some

BERT, RoBERTa, XLM-RoBERTa, MPNet and ModernBERT are the classes of `transformers`. For JinaBERT and NomicBERT it has no class; they are
written out below, in PyTorch's own operators, after the code that their authors publish with the models. Pooling, prompts and cut are
those that `sentence-transformers` applies by the same files.
"""

import json
import math
import random
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
HIDDEN, HEADS, WIDE, LAYERS, LONGEST = 24, 4, 48, 2, 512
VOCABULARY = 380

WORDS = """fn let mut return if else for while match struct enum impl trait pub use mod self Result Option Vec String error path file read
write open close parse token text line word index search query vector model store table key value hash queue job worker thread lock
time clock retry request reply server client socket byte buffer cache limit count sum mean max min sort filter map fold the a of and to
in is that it as with from by on not this are be at or an each none all one two first last next before after""".split()
MARKS = ["(", ")", "{", "}", ";", "::", "->", "&", "+", "=", "==", "0", "1", "42", '"a"', "_", "é", "漢字", "🦀"]


def texts():
    """Fifty, of one token to more than a model reads: the same in every run."""
    numbers = random.Random(26)
    made = ["", "a", "é漢🦀", "UPPER Case", "snake_case_name camelCaseName", "  spaces\tand\nlines  "]
    lengths = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 100, 120, 127, 128, 129, 150, 200, 255, 300, 420, 700]
    while len(made) < 50:
        length = lengths[len(made) % len(lengths)]
        made.append(" ".join(numbers.choice(WORDS if numbers.random() < 0.7 else MARKS) for _ in range(length)))
    return made


def corpus():
    numbers = random.Random(7)
    return [" ".join(numbers.choice(WORDS + MARKS) for _ in range(40)) for _ in range(400)]


def marks_around(tokenizer, begin, end):
    ids = [(mark, tokenizer.token_to_id(mark)) for mark in (begin, end)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B:1 {end}:1", special_tokens=ids
    )
    return tokenizer


def word_pieces(special, begin, end, unknown):
    tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special))
    return marks_around(tokenizer, begin, end)


def byte_pairs(special, begin, end):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus(), trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet)
    )
    return marks_around(tokenizer, begin, end)


def unigram(special, begin, end, unknown):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        corpus(), trainers.UnigramTrainer(vocab_size=VOCABULARY, special_tokens=special, unk_token=unknown)
    )
    return marks_around(tokenizer, begin, end)


BERT_MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_MARKS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def randomise(tensors):
    """Weights that differ enough for attention to choose, norms around one."""
    numbers = torch.Generator().manual_seed(5)
    for name, tensor in sorted(tensors.items()):
        noise = torch.randn(tensor.shape, generator=numbers)
        is_norm = "norm" in name.lower() or "emb_ln" in name
        if is_norm and name.endswith("weight"):
            tensor.copy_(1 + 0.2 * noise)
        elif name.endswith("bias"):
            tensor.copy_(0.1 * noise)
        elif "relative_attention_bias" in name:
            tensor.copy_(noise)
        else:
            tensor.copy_(0.25 * noise)


def of_transformers(model_class, config):
    config._attn_implementation = "eager"
    extra = {} if model_class.__name__ == "ModernBertModel" else {"add_pooling_layer": False}
    model = model_class(config, **extra).eval()
    tensors = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    randomise(tensors)
    model.load_state_dict(tensors, strict=False)
    written = {key: value for key, value in config.to_dict().items() if not key.startswith("_")}
    written["architectures"] = [model_class.__name__]
    return written, tensors, lambda ids: model(input_ids=ids[None]).last_hidden_state[0]


def attention(query, key, value, bias=None):
    """Of one text: `[tokens, hidden]` each."""
    split = lambda x: x.reshape(len(x), HEADS, -1).transpose(0, 1)
    query, key, value = split(query), split(key), split(value)
    scores = query @ key.transpose(1, 2) / math.sqrt(HIDDEN // HEADS)
    scores = scores if bias is None else scores + bias
    return (scores.softmax(-1) @ value).transpose(0, 1).reshape(-1, HIDDEN)


def alibi(tokens):
    """Press, Smith and Lewis, "Train Short, Test Long", 2021, in the symmetric form that JinaBERT uses."""
    slopes = [2 ** (-8 * (head + 1) / HEADS) for head in range(HEADS)]
    places = torch.arange(tokens)
    distance = (places[None] - places[:, None]).abs()
    return -torch.tensor(slopes)[:, None, None] * distance


def jina(is_code):
    """jinaai/jina-bert-implementation, and jinaai/jina-bert-v2-qk-post-norm for the model of code."""
    linear = lambda name, out, into, bias=True: [(f"{name}.weight", (out, into))] + [(f"{name}.bias", (out,))] * bias
    norm = lambda name: [(f"{name}.weight", (HIDDEN,)), (f"{name}.bias", (HIDDEN,))]
    shapes = [
        ("embeddings.word_embeddings.weight", (VOCABULARY, HIDDEN)),
        ("embeddings.token_type_embeddings.weight", (2, HIDDEN)),
    ] + norm("embeddings.LayerNorm")
    for layer in (f"encoder.layer.{n}" for n in range(LAYERS)):
        for part in ("query", "key", "value"):
            shapes += linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        shapes += linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN) + norm(f"{layer}.attention.output.LayerNorm")
        if is_code:
            shapes += norm(f"{layer}.attention.self.layer_norm_q") + norm(f"{layer}.attention.self.layer_norm_k")
            shapes += linear(f"{layer}.mlp.up_gated_layer", 2 * WIDE, HIDDEN, False)
            shapes += linear(f"{layer}.mlp.down_layer", HIDDEN, WIDE)
            shapes += norm(f"{layer}.layer_norm_1") + norm(f"{layer}.layer_norm_2")
        else:
            shapes += linear(f"{layer}.mlp.gated_layers", 2 * WIDE, HIDDEN, False)
            shapes += linear(f"{layer}.mlp.wo", HIDDEN, WIDE) + norm(f"{layer}.mlp.layernorm")
    tensors = {name: torch.zeros(shape) for name, shape in shapes}
    randomise(tensors)
    config = {
        "architectures": ["JinaBertForMaskedLM"], "model_type": "bert", "position_embedding_type": "alibi",
        "feed_forward_type": "geglu", "hidden_act": "gelu", "hidden_size": HIDDEN, "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS, "intermediate_size": WIDE, "max_position_embeddings": 8192, "type_vocab_size": 2,
        "vocab_size": VOCABULARY, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    }  # fmt: skip
    if is_code:
        config["auto_map"] = {"AutoModel": "jinaai/jina-bert-v2-qk-post-norm--modeling_bert.JinaBertModel"}
    dense = lambda x, name: F.linear(x, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))
    normed = lambda x, name: F.layer_norm(x, (HIDDEN,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-12)

    def forward(ids):
        x = tensors["embeddings.word_embeddings.weight"][ids] + tensors["embeddings.token_type_embeddings.weight"][0]
        x, bias = normed(x, "embeddings.LayerNorm"), alibi(len(ids))
        for layer in (f"encoder.layer.{n}" for n in range(LAYERS)):
            own = f"{layer}.attention.self"
            query, key, value = (dense(x, f"{own}.{part}") for part in ("query", "key", "value"))
            if is_code:
                query, key = normed(query, f"{own}.layer_norm_q"), normed(key, f"{own}.layer_norm_k")
            attended = dense(attention(query, key, value, bias), f"{layer}.attention.output.dense")
            attended = normed(attended + x, f"{layer}.attention.output.LayerNorm")
            if is_code:
                x = normed(attended + x, f"{layer}.layer_norm_1")
                plain, gate = dense(x, f"{layer}.mlp.up_gated_layer").chunk(2, -1)
                x = normed(dense(plain * F.gelu(gate), f"{layer}.mlp.down_layer") + x, f"{layer}.layer_norm_2")
            else:
                gate, plain = dense(attended, f"{layer}.mlp.gated_layers").chunk(2, -1)
                x = normed(dense(F.gelu(gate) * plain, f"{layer}.mlp.wo") + attended, f"{layer}.mlp.layernorm")
        return x

    return config, tensors, forward


def rotated(x, base):
    """Su et al., "RoFormer", 2021, halves side by side as in GPT-NeoX: `[tokens, hidden]`."""
    size = HIDDEN // HEADS
    x = x.reshape(len(x), HEADS, size)
    angles = torch.arange(len(x))[:, None] / base ** (torch.arange(0, size, 2) / size)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    low, high = x.chunk(2, -1)
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1).reshape(-1, HIDDEN)


def nomic():
    """nomic-ai/nomic-bert-2048 (Nussbaum et al., "Nomic Embed", 2024)."""
    shapes = {
        "embeddings.word_embeddings.weight": (VOCABULARY, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "emb_ln.weight": (HIDDEN,), "emb_ln.bias": (HIDDEN,),
    }  # fmt: skip
    for layer in (f"encoder.layers.{n}" for n in range(LAYERS)):
        shapes |= {f"{layer}.attn.Wqkv.weight": (3 * HIDDEN, HIDDEN), f"{layer}.attn.out_proj.weight": (HIDDEN, HIDDEN)}
        shapes |= {f"{layer}.mlp.fc11.weight": (WIDE, HIDDEN), f"{layer}.mlp.fc12.weight": (WIDE, HIDDEN)}
        shapes |= {f"{layer}.mlp.fc2.weight": (HIDDEN, WIDE)}
        shapes |= {f"{layer}.{norm}.{part}": (HIDDEN,) for norm in ("norm1", "norm2") for part in ("weight", "bias")}
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    randomise(tensors)
    config = {
        "architectures": ["NomicBertModel"], "model_type": "nomic_bert", "activation_function": "swiglu", "n_embd": HIDDEN,
        "n_head": HEADS, "n_inner": WIDE, "n_layer": LAYERS, "n_positions": 8192, "layer_norm_epsilon": 1e-12,
        "mlp_fc1_bias": False, "mlp_fc2_bias": False, "qkv_proj_bias": False, "prenorm": False, "rotary_emb_base": 1000,
        "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None, "type_vocab_size": 2, "use_rms_norm": False, "vocab_size": VOCABULARY,
    }  # fmt: skip
    normed = lambda x, name: F.layer_norm(x, (HIDDEN,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-12)

    def forward(ids):
        x = tensors["embeddings.word_embeddings.weight"][ids] + tensors["embeddings.token_type_embeddings.weight"][0]
        x = normed(x, "emb_ln")
        for layer in (f"encoder.layers.{n}" for n in range(LAYERS)):
            query, key, value = F.linear(x, tensors[f"{layer}.attn.Wqkv.weight"]).chunk(3, -1)
            attended = attention(rotated(query, 1000.0), rotated(key, 1000.0), value)
            x = normed(F.linear(attended, tensors[f"{layer}.attn.out_proj.weight"]) + x, f"{layer}.norm1")
            gate = F.silu(F.linear(x, tensors[f"{layer}.mlp.fc12.weight"]))
            wide = F.linear(x, tensors[f"{layer}.mlp.fc11.weight"]) * gate
            x = normed(F.linear(wide, tensors[f"{layer}.mlp.fc2.weight"]) + x, f"{layer}.norm2")
        return x

    return config, tensors, forward


SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=HIDDEN, num_attention_heads=HEADS, intermediate_size=WIDE, num_hidden_layers=LAYERS
)


def bert():
    from transformers import BertConfig, BertModel

    return of_transformers(BertModel, BertConfig(**SIZES, max_position_embeddings=LONGEST))


def roberta():
    from transformers import RobertaConfig, RobertaModel

    return of_transformers(RobertaModel, RobertaConfig(**SIZES, max_position_embeddings=LONGEST + 2, type_vocab_size=1))


def xlm_roberta():
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(**SIZES, max_position_embeddings=LONGEST + 2, type_vocab_size=1)
    return of_transformers(XLMRobertaModel, config)


def mpnet():
    from transformers import MPNetConfig, MPNetModel

    return of_transformers(MPNetModel, MPNetConfig(**SIZES, max_position_embeddings=LONGEST + 2))


def modernbert():
    from transformers import ModernBertConfig, ModernBertModel

    sizes = SIZES | dict(num_hidden_layers=4)
    config = ModernBertConfig(
        **sizes, max_position_embeddings=8192, global_attn_every_n_layers=3, local_attention=16, reference_compile=False,
        pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    return of_transformers(ModernBertModel, config)


QUERY = "Represent this query for searching relevant code: "
# name: (network, tokenizer, pooling mode, prompts, dimensions that are kept, lower case, names' prefix in the file)
FAMILIES = {
    "bert": (bert, lambda: word_pieces(BERT_MARKS, "[CLS]", "[SEP]", "[UNK]"), "cls_token", {}, None, ""),
    "roberta": (roberta, lambda: byte_pairs(ROBERTA_MARKS, "<s>", "</s>"), "mean_tokens", {}, None, "roberta."),
    "xlm-roberta": (
        xlm_roberta, lambda: unigram(ROBERTA_MARKS, "<s>", "</s>", "<unk>"), "max_tokens",
        {"query": "query: ", "passage": "passage: "}, None, "",
    ),
    "mpnet": (mpnet, lambda: word_pieces(ROBERTA_MARKS, "<s>", "</s>", "<unk>"), "mean_tokens", {}, None, ""),
    "jina-bert": (lambda: jina(False), lambda: word_pieces(BERT_MARKS, "[CLS]", "[SEP]", "[UNK]"), "mean_tokens", {}, None, ""),
    "jina-bert-code": (lambda: jina(True), lambda: byte_pairs(ROBERTA_MARKS, "<s>", "</s>"), "mean_tokens", {}, None, ""),
    "nomic-bert": (
        nomic, lambda: word_pieces(BERT_MARKS, "[CLS]", "[SEP]", "[UNK]"), "cls_token", {"query": QUERY}, None, "",
    ),
    "modernbert": (modernbert, lambda: byte_pairs(BERT_MARKS, "[CLS]", "[SEP]"), "lasttoken", {}, 16, "model."),
}  # fmt: skip


def pooled(hidden, mode):
    return {
        "cls_token": lambda: hidden[0],
        "mean_tokens": lambda: hidden.mean(0),
        "max_tokens": lambda: hidden.max(0).values,
        "lasttoken": lambda: hidden[-1],
    }[mode]()


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


@torch.no_grad()
def make(name):
    network, tokenizer, pooling, prompts, kept, prefix = FAMILIES[name]
    config, tensors, forward = network()
    directory = HERE / name
    directory.mkdir(exist_ok=True)
    write_json(directory / "config.json", config)
    tokenizer = tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    save_file({prefix + key: tensor.contiguous() for key, tensor in tensors.items()}, directory / "model.safetensors")
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write_json(
        directory / "modules.json",
        [
            {"idx": nth, "name": str(nth), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for nth, (path, kind) in enumerate(modules)
        ],
    )
    modes = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
    write_json(
        directory / "1_Pooling/config.json",
        {"word_embedding_dimension": HIDDEN} | {f"pooling_mode_{mode}": mode == pooling for mode in modes},
    )
    write_json(directory / "sentence_bert_config.json", {"max_seq_length": LONGEST, "do_lower_case": False})
    cut = {"truncate_dim": kept} if kept else {}
    write_json(directory / "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None} | cut)

    tokenizer.enable_truncation(LONGEST)

    def vector(text):
        ids = torch.tensor(tokenizer.encode(text).ids)
        whole = F.normalize(pooled(forward(ids), pooling), dim=0)[:kept]
        return [round(value, 7) for value in F.normalize(whole, dim=0).tolist()], len(ids)

    passage = prompts.get("passage", "")
    made = [vector(passage + text) for text in texts()]
    counts = [count for _, count in made]
    asked = [vector(prompts.get("query", "") + text)[0] for text in texts()[:5]]
    expected = {"tokens": counts, "passages": [row for row, _ in made], "queries": asked}
    (directory / "expected.json").write_text(json.dumps(expected) + "\n")
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    print(f"{name}: {size} bytes, {min(counts)} to {max(counts)} tokens, vocabulary {tokenizer.get_vocab_size()}")


if __name__ == "__main__":
    write_json(HERE / "texts.json", texts())
    for name in sys.argv[1:] or FAMILIES:
        make(name)
