package audit_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/canon"
)

// saidLeaf is a leaf whose fields are chosen one by one, and of which any may be
// written otherwise than the format has it.
type saidLeaf struct {
	domain        string
	index, number uint64
	prev          []byte // none if nil
	envelope      []byte
	more          []byte
}

func (l saidLeaf) bytes() []byte {
	b := canon.AppendUint(canon.AppendUint(canon.AppendDomain(nil, l.domain), l.index), l.number)
	if l.prev == nil {
		b = canon.AppendNone(b)
	} else {
		b = canon.AppendBytes(b, l.prev)
	}
	b = canon.AppendBytes(canon.AppendInt(b, 1_795_000_000_200_000), l.envelope)
	return append(b, l.more...)
}

func TestParseLeaf_ReadsNothingElse(t *testing.T) {
	first := saidLeaf{domain: "troth.audit.leaf/1", index: 7, number: 1, envelope: small(t).Append(nil)}
	later := first
	later.number, later.prev = 8, bytes.Repeat([]byte{0xaa}, 32)
	for what, good := range map[string]saidLeaf{"first": first, "later": later} {
		leaf, env, err := audit.ParseLeaf(good.bytes())
		require.NoError(t, err, what)
		require.Equal(t, good.bytes(), leaf.Append(nil))
		require.Equal(t, good.envelope, env.Append(nil))
		for n := range good.bytes() {
			_, _, err := audit.ParseLeaf(good.bytes()[:n])
			require.ErrorIs(t, err, audit.ErrLeaf, "cut to %d", n)
		}
	}
	for what, change := range map[string]func(l *saidLeaf){
		"number 0":                          func(l *saidLeaf) { l.number = 0 },
		"a number that cannot be there yet": func(l *saidLeaf) { l.number = 9 },
		"a number beyond all":               func(l *saidLeaf) { l.index, l.number = 1<<62-1, 1<<62+1 },
		"an index beyond all":               func(l *saidLeaf) { l.index = 1 << 62 },
		"the highest index of all":          func(l *saidLeaf) { l.index, l.number = 1<<64-1, 2 },
		"none before":                       func(l *saidLeaf) { l.prev = nil },
		"one before the first":              func(l *saidLeaf) { l.number = 1 },
		"a short hash":                      func(l *saidLeaf) { l.prev = l.prev[:31] },
		"a long hash":                       func(l *saidLeaf) { l.prev = append(bytes.Clone(l.prev), 0) },
		"an empty hash":                     func(l *saidLeaf) { l.prev = []byte{} },
		"another version":                   func(l *saidLeaf) { l.domain = "troth.audit.leaf/2" },
		"an envelope's domain":              func(l *saidLeaf) { l.domain = "troth.audit.envelope/1" },
		"no envelope":                       func(l *saidLeaf) { l.envelope = nil },
		"half an envelope":                  func(l *saidLeaf) { l.envelope = l.envelope[:len(l.envelope)/2] },
		"a byte behind the envelope":        func(l *saidLeaf) { l.envelope = append(bytes.Clone(l.envelope), 6) },
		"a leaf in the leaf":                func(l *saidLeaf) { l.envelope = first.bytes() },
		"a field more":                      func(l *saidLeaf) { l.more = canon.AppendNone(nil) },
		"a byte more":                       func(l *saidLeaf) { l.more = []byte{0} },
		"too long":                          func(l *saidLeaf) { l.envelope = make([]byte, audit.MaxLeaf) },
	} {
		l := later
		change(&l)
		_, _, err := audit.ParseLeaf(l.bytes())
		require.ErrorIs(t, err, audit.ErrLeaf, what)
	}
}

// Any instant that 64 bits can say comes back as it was.
func TestParseLeaf_OfAnyTime(t *testing.T) {
	for _, micros := range []int64{-1 << 63, -1, 0, 1<<63 - 1} {
		l := audit.Leaf{Number: 1, SequencedAt: time.UnixMicro(micros).UTC(), Envelope: small(t).Append(nil)}
		got, _, err := audit.ParseLeaf(l.Append(nil))
		require.NoError(t, err)
		require.Equal(t, l, got)
		require.Equal(t, l.Append(nil), got.Append(nil))
	}
}

// FuzzParseLeaf demands that what is accepted has no second encoding.
func FuzzParseLeaf(f *testing.F) {
	for _, l := range []saidLeaf{
		{domain: "troth.audit.leaf/1", number: 1, envelope: small(f).Append(nil)},
		{domain: "troth.audit.leaf/1", index: 1<<62 - 1, number: 1 << 62, prev: make([]byte, 32), envelope: full(f).Append(nil)},
		{domain: "troth.audit.leaf/1", index: 3, number: 2, prev: make([]byte, 31), envelope: small(f).Append(nil)},
	} {
		f.Add(l.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		leaf, env, err := audit.ParseLeaf(b)
		if err != nil {
			require.ErrorIs(t, err, audit.ErrLeaf)
			return
		}
		require.Equal(t, b, leaf.Append(nil))
		require.Equal(t, leaf.Envelope, env.Append(nil))
	})
}
