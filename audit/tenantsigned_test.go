package audit_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// put adds a leaf that says what it likes, and that a tenant's entries end with it.
func (l *toldLog) put(tenant troth.Tenant, leaf audit.Leaf) audit.Leaf {
	leaf.SequencedAt = time.UnixMicro(1_795_000_000_200_000).UTC()
	raw := leaf.Append(nil)
	l.plog.leaves = append(l.plog.leaves, raw)
	l.ends[tenant] = tenantEnd{leaf.Number, audit.HashLeaf(raw)}
	return leaf
}

// What is signed, tree, ends and all, and still does not fit together is refused: each of
// these logs has one flaw, and would be believed without the check for it.
func TestVerifyTenant_RefusesWhatADishonestSignerSigned(t *testing.T) {
	hashOf := func(leaf audit.Leaf) [32]byte { return audit.HashLeaf(leaf.Append(nil)) }
	b64 := func(h [32]byte) string { return base64Of(h[:]) }
	for name, export := range map[string]func(l *toldLog) []string{
		"nothing is wrong": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			l.add(l.entry("globex", 2))
			b := l.put("acme", audit.Leaf{Index: 2, Number: 2, Prev: hashOf(a), Envelope: l.entry("acme", 3).Append(nil)})
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"another tenant's entry in the chain": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: hashOf(a), Envelope: l.entry("globex", 2).Append(nil)})
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"a tenant whose name begins so": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: hashOf(a), Envelope: l.entry("acme2", 2).Append(nil)})
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"a number that is left out": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			l.add(l.entry("globex", 2))
			b := l.put("acme", audit.Leaf{Index: 2, Number: 3, Prev: hashOf(a), Envelope: l.entry("acme", 3).Append(nil)})
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"one that names another before it": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: [32]byte{1}, Envelope: l.entry("acme", 2).Append(nil)})
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"one that stands before the one before": func(l *toldLog) []string {
			a := audit.Leaf{Index: 2, Number: 1, Envelope: l.entry("acme", 1).Append(nil), SequencedAt: time.UnixMicro(1_795_000_000_200_000).UTC()}
			l.add(l.entry("globex", 2))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: hashOf(a), Envelope: l.entry("acme", 3).Append(nil)})
			end := l.ends["acme"]
			l.put("acme", a)
			l.ends["acme"] = end
			return []string{l.leaf(a), l.leaf(b), l.at(b)}
		},
		"an end that is another number": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			l.ends["acme"] = tenantEnd{2, l.ends["acme"].hash}
			return []string{l.leaf(a), l.at(a)}
		},
		"an end that is another entry": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			l.ends["acme"] = tenantEnd{1, [32]byte{1}}
			return []string{l.leaf(a), l.at(a)}
		},
		"a redacted one in place of all": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: hashOf(a), Envelope: l.entry("acme", 2).Append(nil)})
			return []string{"redacted " + b64(hashOf(b)) + " elsewhere\n", l.at(b)}
		},
		"fewer pruned than there were": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.put("acme", audit.Leaf{Index: 1, Number: 2, Prev: hashOf(a), Envelope: l.entry("acme", 2).Append(nil)})
			for range 254 {
				l.add(l.entry("globex", 3))
			}
			return []string{"pruned 1 " + b64(hashOf(b)) + "\n"}
		},
		"none pruned, and said so": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			return []string{"pruned 0 " + b64([32]byte{}) + "\n", l.leaf(a), l.at(a)}
		},
		"a mark that is none": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			return []string{"redacted " + b64(hashOf(a)) + " elsewher\n", l.at(a)}
		},
		"a reason for another number": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			env := l.reason("acme", 2, a)
			env.Facts[1].Fact = troth.Count(2)
			why := l.add(env)
			return []string{"redacted " + b64(hashOf(a)) + "\n", l.leaf(why), l.at(why)}
		},
		"pruned, though the next one stands in the first tile": func(l *toldLog) []string {
			a := l.add(l.entry("acme", 1))
			b := l.add(l.entry("acme", 2))
			for range 260 {
				l.add(l.entry("globex", 3))
			}
			c := l.add(l.entry("acme", 4))
			return []string{"pruned 1 " + b64(hashOf(a)) + "\n", l.leaf(b), l.leaf(c), l.at(c)}
		},
		"pruned, though a redacted one stands in the first tile": func(l *toldLog) []string {
			l.add(l.entry("acme", 1))
			b, c := l.add(l.entry("acme", 2)), l.add(l.entry("acme", 3))
			for range 260 {
				l.add(l.entry("globex", 4))
			}
			d := l.add(l.entry("acme", 5))
			return []string{
				"pruned 1 -\n", "redacted " + b64(hashOf(b)) + " elsewhere\n", l.at(b), "redacted " + b64(hashOf(c)) + " elsewhere\n",
				l.leaf(d), l.at(d),
			}
		},
	} {
		l := newToldLog(t)
		lines := export(l)
		_, _, err := proven(l.export("acme", lines...), verifiersOf(t, l.key.VerifierKey()))
		if name == "nothing is wrong" {
			require.NoError(t, err)
			continue
		}
		require.True(t, isRefusal(err), "%s: %v", name, err)
	}
}

// Nor can what stands before the entries say what the log does not commit to.
func TestVerifyTenant_RefusesAHeadThatADishonestSignerSigned(t *testing.T) {
	all := func(tenant troth.Tenant) *toldLog { // everything of the tenant was pruned
		l := newToldLog(t)
		for i := range 256 {
			l.add(l.entry("globex", byte(i)))
		}
		l.ends[tenant] = tenantEnd{1, [32]byte{1}}
		return l
	}
	judge := func(l *toldLog, b []byte) error {
		_, _, err := proven(b, verifiersOf(t, l.key.VerifierKey()))
		return err
	}
	gone := "pruned 1 " + base64Of(append([]byte{1}, make([]byte, 31)...)) + "\n"
	require.NoError(t, judge(all("acme"), all("acme").export("acme", gone)))
	for _, tenant := range []troth.Tenant{"", "a\nb", "\xff", troth.Tenant(make([]byte, 300))} {
		l := all(tenant)
		require.ErrorIs(t, judge(l, l.export(tenant, gone)), audit.ErrNotProof, "%q", tenant)
	}

	none := all("acme")
	none.ends["acme"] = tenantEnd{}
	require.ErrorIs(t, judge(none, none.export("acme")), audit.ErrNotProof, "no entry at all")

	// The log commits to one salt: another would give a tenant a second place.
	twice := all("acme")
	twice.salt[0] ^= 1
	cp := twice.checkpoint()
	cp.SaltCommitment = all("acme").checkpoint().SaltCommitment
	b := bytes.Replace(twice.export("acme", gone), signedBy(twice), signed(t, cp, twice.key), 1)
	require.ErrorIs(t, judge(twice, b), audit.ErrProof)
}

// However many siblings are announced, no more are read than a map can have.
func TestVerifyTenant_ReadsNoMoreSiblingsThanThereCanBe(t *testing.T) {
	_, _, b := toldExport(t)
	head, _, _ := bytes.Cut(b, []byte("map "))
	for _, count := range []string{"257", "1000000", "4611686018427387903", "18446744073709551615"} {
		e := &endless{text: base64Of(make([]byte, 32)) + "\n"}
		_, err := audit.VerifyTenant(io.MultiReader(bytes.NewReader(head), strings.NewReader("map "+count+"\n"), e), fixedRing(t), nil)
		require.ErrorIs(t, err, audit.ErrNotProof)
		require.Less(t, e.read, 8192)
	}
}
