package audit

import (
	"context"
	"crypto/sha256"

	"github.com/trothdev/troth"
)

// pin is what the first entry of a log says of the one before it: what was
// stored of that one, and the checkpoint of it that others had.
type pin struct {
	keptSize uint64
	keptRoot [32]byte
	// known says that size and root are there.
	known bool
	size  uint64
	root  [32]byte
}

// opening checks the first entry of a log.
func (w *walk) opening(row *LogRow) error {
	_, env, err := ParseLeaf(row.Leaf)
	if err != nil || row.Tenant != troth.Platform || env.Act != actLogOpen.Name {
		return w.entryDamage(0, "does not open the log")
	}
	if !env.says("origin", troth.Word(w.head.Origin)) || !env.says("salt", troth.Digest(saltCommitment(w.head.Salt))) {
		return w.damage("head", "log "+itoa(w.head.Log), "origin or salt is not that of its first entry")
	}
	p, ok := pinOf(env)
	if !ok || (p == nil) != (w.head.Log == 1) {
		return w.entryDamage(0, "does not say what was before, as it must")
	}
	if p == nil {
		return nil
	}
	before := w.v.heads[w.head.Log-2]
	if !env.says("previous", troth.Word(before.Origin)) || p.keptSize != before.Size || p.keptRoot != before.Root {
		return &DamageError{
			before.Log, "head", "log " + itoa(before.Log), "origin, size or root is not what the next log says of it",
		}
	}
	w.v.pins[before.Log-1] = p
	return nil
}

// pinOf reads what an opening says of the log before; nil if it says nothing.
// ok is false if it says only a part of it.
func pinOf(env Envelope) (p *pin, ok bool) {
	has := func(names ...string) (n int) {
		for _, name := range names {
			if env.fact(name).Kind() != 0 {
				n++
			}
		}
		return n
	}
	kept, known := has("previous", "kept-size", "kept-root"), has("size", "root")
	if kept == 0 && known == 0 {
		return nil, true
	}
	if kept != 3 || known == 1 {
		return nil, false
	}
	p = &pin{keptSize: uint64(env.fact("kept-size").Number()), known: known == 2, size: uint64(env.fact("size").Number())}
	copy(p.keptRoot[:], env.fact("kept-root").Text())
	copy(p.root[:], env.fact("root").Text())
	return p, true
}

// openingBehind checks the first entry of a log that is not walked from there.
func (w *walk) openingBehind(ctx context.Context) error {
	rows, err := w.trail.store.LogRange(ctx, w.head.Log, 0, 1)
	if err != nil {
		return wrapVerify(err)
	}
	if len(rows) == 0 || rows[0].Index != 0 {
		return w.entryDamage(0, "is missing")
	}
	if _, err := checkRow(rows[0], 0); err != nil {
		return err
	}
	in, err := w.trail.includes(ctx, w.head, &rows[0])
	if err != nil {
		return err
	}
	if !in {
		return w.entryDamage(0, "is not in the tree")
	}
	return w.opening(&rows[0])
}

// keyHistory is how the keys that sign a log followed each other, as far as it
// was read.
type keyHistory struct {
	seen     bool
	from, to string // SHA-256 of verifier keys
}

// rotation reads an entry that tells of another key. One that was told, and then
// not done, may be told again.
func (w *walk) rotation(row *LogRow) error {
	_, env, err := ParseLeaf(row.Leaf)
	if err != nil {
		return w.entryDamage(row.Index, "is not a leaf")
	}
	from, to := env.fact("from").Text(), env.fact("to").Text()
	if k := w.keys; k.seen && from != k.to && from != k.from {
		return w.entryDamage(row.Index, "rotates a key that did not sign")
	}
	w.keys = keyHistory{seen: true, from: from, to: to}
	return nil
}

// endKeys holds the signer of the head to the newest rotation.
func (w *walk) endKeys() error {
	signer := sha256.Sum256([]byte(w.head.Signer))
	if k := w.keys; k.seen && string(signer[:]) != k.to && string(signer[:]) != k.from {
		return w.damage("head", "log "+itoa(w.head.Log), "signer is not the one to whom the key was rotated")
	}
	return nil
}
