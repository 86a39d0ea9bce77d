package audit_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/merkle"
)

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// toldLog is a log that says whatever the test wants, and writes exports as the
// format defines them, with no code of the trail's.
type toldLog struct {
	testing.TB
	key  audit.SigningKey
	plog plainLog
	// ends is what the tenant map says.
	ends map[troth.Tenant]tenantEnd
	salt [32]byte
}

type tenantEnd struct {
	number uint64
	hash   [32]byte
}

func newToldLog(t testing.TB) *toldLog {
	l := &toldLog{TB: t, key: fixedKey(t, testOrigin, 1), ends: make(map[troth.Tenant]tenantEnd)}
	for i := range l.salt {
		l.salt[i] = byte(i)
	}
	return l
}

// add puts an entry behind the end of its tenant and returns its leaf.
func (l *toldLog) add(env audit.Envelope) audit.Leaf {
	end := l.ends[env.Tenant]
	leaf := audit.Leaf{
		Index: uint64(len(l.plog.leaves)), Number: end.number + 1, Prev: end.hash,
		SequencedAt: time.UnixMicro(1_795_000_000_200_000).UTC(), Envelope: env.Append(nil),
	}
	raw := leaf.Append(nil)
	l.plog.leaves = append(l.plog.leaves, raw)
	l.ends[env.Tenant] = tenantEnd{leaf.Number, audit.HashLeaf(raw)}
	return leaf
}

// entry is a small envelope of the tenant; n makes it another.
func (l *toldLog) entry(tenant troth.Tenant, n byte) audit.Envelope {
	env := small(l.TB)
	env.Tenant, env.ID[15], env.Nonce[31] = tenant, n, n
	return env
}

// reason tells why the leaf was redacted.
func (l *toldLog) reason(tenant troth.Tenant, n byte, gone audit.Leaf) audit.Envelope {
	env := l.entry(tenant, n)
	env.Act = "audit.redact"
	env.Facts = []audit.NamedFact{
		{Name: "hash", Fact: troth.Digest(audit.HashLeaf(gone.Append(nil)))},
		{Name: "number", Fact: troth.Count(gone.Number)},
	}
	return env
}

func (l *toldLog) names() *merkle.Map {
	m := new(merkle.Map)
	for tenant, end := range l.ends {
		value := canon.AppendUint(canon.AppendDomain(nil, "troth.audit.tenant-head/1"), end.number)
		m.Set(l.name(tenant), sha256.Sum256(canon.AppendBytes(value, end.hash[:])))
	}
	return m
}

func (l *toldLog) name(tenant troth.Tenant) [32]byte {
	key := canon.AppendBytes(canon.AppendDomain(nil, "troth.audit.tenant-key/1"), l.salt[:])
	return sha256.Sum256(canon.AppendText(key, tenant))
}

func (l *toldLog) checkpoint() audit.Checkpoint {
	return audit.Checkpoint{
		Origin: testOrigin, Size: uint64(len(l.plog.leaves)), Root: treeHash(l.plog.leaves), TenantRoot: l.names().Root(),
		SaltCommitment: sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, "troth.audit.salt/1"), l.salt[:])),
		SignedAt:       time.UnixMicro(1_795_000_000_300_000).UTC(),
	}
}

// export writes the lines of the tenant's entries behind what proves them.
func (l *toldLog) export(tenant troth.Tenant, lines ...string) []byte {
	l.Helper()
	end := l.ends[tenant]
	siblings := l.names().Prove(l.name(tenant)).Siblings
	var b strings.Builder
	fmt.Fprintf(&b, "troth.audit.tenant/1\ntenant %s\nsalt %s\nhead %d %s\nmap %d\n",
		base64Of([]byte(tenant)), base64Of(l.salt[:]), end.number, base64Of(end.hash[:]), len(siblings))
	for _, h := range siblings {
		b.WriteString(base64Of(h[:]) + "\n")
	}
	fmt.Fprintf(&b, "\n%s\n%s", signed(l.TB, l.checkpoint(), l.key), strings.Join(lines, ""))
	return []byte(b.String())
}

func (l *toldLog) leaf(leaf audit.Leaf) string { return "leaf " + base64Of(leaf.Append(nil)) + "\n" }

func (l *toldLog) redacted(leaf audit.Leaf) string {
	h := audit.HashLeaf(leaf.Append(nil))
	return "redacted " + base64Of(h[:]) + "\n"
}

// at shows that the leaf stands in the tree.
func (l *toldLog) at(leaf audit.Leaf) string {
	hashes := inclusion(int(leaf.Index), l.plog.leaves)
	var s strings.Builder
	fmt.Fprintf(&s, "at %d %d\n", leaf.Index, len(hashes))
	for _, h := range hashes {
		s.WriteString(base64Of(h[:]) + "\n")
	}
	return s.String()
}
