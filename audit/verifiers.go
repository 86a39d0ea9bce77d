package audit

import (
	"fmt"
	"slices"
	"strings"
)

// Verifiers are the public keys by which a stranger believes checkpoints: those
// of logs, each for a range of sizes, and those of witnesses. A log that changes
// its key has two: the old one counts for sizes up to the change, the new one
// for those from there on, so that an old key that leaks later signs no new
// history. Keys of several origins may stand beside each other, for a log that
// went on under another origin.
//
// Where the keys come from decides what a proof is worth: take them from the
// log's owner once and keep them, never from the place that the proof is from.
//
// The zero value holds no key. A value is never changed: With and its siblings
// return another.
type Verifiers struct {
	logs      []logKey
	witnesses []WitnessKey
}

// logKey counts for checkpoints of sizes from up to, and without, to.
type logKey struct {
	publicKey
	from, to uint64
}

// Bounds of sizes of checkpoints: an empty log signs nothing.
const (
	firstSize = 1
	openEnd   = maxSize
)

// holds reports whether the key counts for a log of that size.
func (k logKey) holds(size uint64) bool { return k.from <= size && size < k.to }

// With adds a log's key for all sizes. A key that is there already stays as it
// is, with its range. What is not a key of type 1, or has the name and id of
// another that is there, is [ErrKey].
func (v Verifiers) With(vkey string) (Verifiers, error) {
	for _, k := range v.logs {
		if k.String() == vkey {
			return v, nil
		}
	}
	return v.WithSizes(vkey, firstSize, 0)
}

// WithSizes adds a log's key that counts for checkpoints of at least from, and
// less than to leaves; 0 as to is an open end. It refuses a key that is there
// already: one key has one range. For the size that [Trail.Rotate] returns, the
// old key is pinned with WithSizes(key, 0, size+1), the new one with
// WithSizes(key, size, 0).
func (v Verifiers) WithSizes(vkey string, from, to uint64) (Verifiers, error) {
	public, err := parsePublicKey(vkey, logKeyType)
	if err != nil {
		return v, err
	}
	if to == 0 {
		to = openEnd
	}
	k := logKey{public, max(from, firstSize), to}
	if k.from >= k.to || k.to > openEnd {
		return v, fmt.Errorf("%w: range of sizes is empty or too high", ErrKey)
	}
	if v.has(public) {
		return v, fmt.Errorf("%w: given twice", ErrKey)
	}
	v.logs = append(slices.Clone(v.logs), k)
	return v, nil
}

// WithWitness adds the key of a witness, see [ParseWitnessKey]. A key that is
// there already stays.
func (v Verifiers) WithWitness(vkey string) (Verifiers, error) {
	k, err := ParseWitnessKey(vkey)
	if err != nil {
		return v, err
	}
	if slices.Contains(v.witnesses, k) {
		return v, nil
	}
	if v.has(k.public) {
		return v, fmt.Errorf("%w: given twice", ErrKey)
	}
	v.witnesses = append(slices.Clone(v.witnesses), k)
	return v, nil
}

// has reports whether a key of that name and id is there: signature lines could
// not tell which of two they are by.
func (v Verifiers) has(k publicKey) bool {
	return v.log(k.name, k.id) != nil || v.witness(k.name, k.id) != nil
}

func (v Verifiers) log(name string, id uint32) *logKey {
	for i, k := range v.logs {
		if k.name == name && k.id == id {
			return &v.logs[i]
		}
	}
	return nil
}

func (v Verifiers) witness(name string, id uint32) *WitnessKey {
	for i, k := range v.witnesses {
		if k.public.name == name && k.public.id == id {
			return &v.witnesses[i]
		}
	}
	return nil
}

// knows reports whether there is a key of that log.
func (v Verifiers) knows(origin string) bool {
	return slices.ContainsFunc(v.logs, func(k logKey) bool { return k.name == origin })
}

// String returns the keys in the form that [ParseVerifiers] reads, first those
// of logs, then those of witnesses, each in the order in which they were added.
func (v Verifiers) String() string {
	var b strings.Builder
	for _, k := range v.logs {
		b.WriteString(k.publicKey.String())
		if k.from != firstSize || k.to != openEnd {
			b.WriteString(" " + utoa(k.from) + " " + formatEnd(k.to))
		}
		b.WriteByte('\n')
	}
	for _, k := range v.witnesses {
		b.WriteString(witnessPrefix + k.String() + "\n")
	}
	return b.String()
}

const (
	witnessPrefix = "witness "
	// endless stands for an open end.
	endless = "-"
	// maxVerifiers is the longest text of keys, in bytes.
	maxVerifiers = 1 << 20
)

func formatEnd(to uint64) string {
	if to == openEnd {
		return endless
	}
	return utoa(to)
}

// ParseVerifiers reads keys from a text such as a file, each on a line of its
// own that a newline ends:
//
//	<verifier key>
//	<verifier key> <from> <to>
//	witness <verifier key>
//
// The first counts for all sizes, the second for sizes from up to and without
// to, where - is an open end. It accepts only what [Verifiers.String] writes,
// and at least one key; anything else is [ErrKey].
func ParseVerifiers(text string) (Verifiers, error) {
	var v Verifiers
	if text == "" || len(text) > maxVerifiers {
		return v, fmt.Errorf("%w: text of keys is empty, or too long", ErrKey)
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		key, ended := strings.CutSuffix(line, "\n")
		var err error
		if v, err = v.withLine(key); err != nil {
			return Verifiers{}, fmt.Errorf("%w, line %d", err, n)
		}
		if !ended {
			return Verifiers{}, fmt.Errorf("%w: no newline ends the last line", ErrKey)
		}
	}
	if v.String() != text {
		return Verifiers{}, fmt.Errorf("%w: keys are not written as Verifiers.String does, in its order", ErrKey)
	}
	return v, nil
}

func (v Verifiers) withLine(line string) (Verifiers, error) {
	if vkey, ok := strings.CutPrefix(line, witnessPrefix); ok {
		return v.WithWitness(vkey)
	}
	vkey, sizes, ok := strings.Cut(line, " ")
	if !ok {
		return v.WithSizes(vkey, firstSize, 0)
	}
	first, last, _ := strings.Cut(sizes, " ")
	from, err := parseDecimal(first)
	if err != nil {
		return v, ErrKey
	}
	if last == endless {
		return v.WithSizes(vkey, from, 0)
	}
	to, err := parseDecimal(last)
	if err != nil || to == 0 {
		return v, ErrKey
	}
	return v.WithSizes(vkey, from, to)
}

// names reports whether the key is there, for a log of that origin.
func (v Verifiers) names(origin, vkey string) bool {
	return slices.ContainsFunc(v.logs, func(k logKey) bool { return k.name == origin && k.String() == vkey })
}
