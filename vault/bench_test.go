package vault_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const benchPurpose troth.Purpose = "order-fulfilment"

func benchVault(b *testing.B, opts ...vault.Option) (*vault.Vault, context.Context) {
	b.Helper()
	db := memory.Open()
	v, err := vault.Open(b.Context(), vault.Config{
		Store: vaultmem.New(db), KEK: vaulttest.InsecureKEK(), Recorder: troth.UnsafeNoEvidence(db),
	}, opts...)
	if err != nil {
		b.Fatal(err)
	}
	return v, troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "bench"})
}

func benchAt(subject string) troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: "shop-17", ID: subject},
		Compartment: "profile",
		Cell:        troth.Cell{Table: "customer", Column: "email", Row: "4711"},
	}
}

func rawGCM(b *testing.B) cipher.AEAD {
	b.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return newRawGCM(b, key)
}

func newRawGCM(b *testing.B, key []byte) cipher.AEAD {
	b.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	return aead
}

// pair runs two things by turns, in blocks of about a millisecond, so that
// whatever else the machine does hits both alike. It reports the median time of
// each and how many times longer the second one takes.
func pair(b *testing.B, raw, ours func() error) {
	b.Helper()
	const block = 4000
	times := [2][]float64{}
	run := func(i int, f func() error) {
		start := time.Now()
		for range block {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/block)
	}
	b.ReportAllocs()
	for b.Loop() {
		run(0, raw)
		run(1, ours)
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	r, o := times[0][len(times[0])/2], times[1][len(times[1])/2]
	b.ReportMetric(r, "raw-ns")
	b.ReportMetric(o, "ours-ns")
	b.ReportMetric(o/r, "times-raw")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSeal compares sealing with raw AES-256-GCM under a random nonce and
// the same associated data.
func BenchmarkSeal(b *testing.B) {
	for _, size := range []int{64, 1024} {
		plaintext := make([]byte, size)
		at := benchAt("42")
		aad, err := vault.AssociatedData(at)
		if err != nil {
			b.Fatal(err)
		}
		aead := rawGCM(b)
		buf := make([]byte, 0, size+vault.Overhead)
		raw := func() error {
			buf = aead.Seal(buf[:0], nil, plaintext, aad)
			return nil
		}
		v, ctx := benchVault(b)
		b.Run(fmt.Sprintf("vault/%d", size), func(b *testing.B) {
			pair(b, raw, func() (err error) {
				buf, err = v.AppendSeal(ctx, buf[:0], at, plaintext)
				return err
			})
		})
		h, err := v.For(ctx, at.Subject, at.Compartment, "")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("handle/%d", size), func(b *testing.B) {
			pair(b, raw, func() (err error) {
				buf, err = h.AppendSeal(ctx, buf[:0], at.Cell, plaintext)
				return err
			})
		})
	}
}

// BenchmarkOpen is BenchmarkSeal the other way, as a service whose openings are
// counted.
func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{64, 1024} {
		plaintext := make([]byte, size)
		at := benchAt("42")
		aad, err := vault.AssociatedData(at)
		if err != nil {
			b.Fatal(err)
		}
		aead := rawGCM(b)
		rawSealed := aead.Seal(nil, nil, plaintext, aad)
		buf := make([]byte, 0, size)
		raw := func() (err error) {
			buf, err = aead.Open(buf[:0], nil, rawSealed, aad)
			return err
		}
		v, ctx := benchVault(b)
		sealed, err := v.AppendSeal(ctx, nil, at, plaintext)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("vault/%d", size), func(b *testing.B) {
			pair(b, raw, func() (err error) {
				buf, err = v.AppendOpen(ctx, buf[:0], at, benchPurpose, sealed)
				return err
			})
		})
		h, err := v.For(ctx, at.Subject, at.Compartment, benchPurpose)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("handle/%d", size), func(b *testing.B) {
			pair(b, raw, func() (err error) {
				buf, err = h.AppendOpen(ctx, buf[:0], at.Cell, sealed)
				return err
			})
		})
	}
}

const (
	manySubjects = 100_000
	manyCached   = 10_000
)

// rawPeople are keys and values as they lie in memory, for opening without a
// vault: the same rows in the same store, sealed by a wrap key at hand.
type rawPeople struct {
	store  *vaultmem.Store
	wrap   cipher.AEAD
	names  []vault.KeyName
	aads   [][]byte
	sealed [][]byte
	cached []cipher.AEAD
}

func newRawPeople(b *testing.B, plaintext []byte) *rawPeople {
	b.Helper()
	p := &rawPeople{store: vaultmem.New(memory.Open()), wrap: rawGCM(b), cached: make([]cipher.AEAD, manySubjects)}
	key := make([]byte, 32)
	for i := range manySubjects {
		_, _ = rand.Read(key)
		at := benchAt(strconv.Itoa(i))
		name := vault.KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment}
		row := vault.KeyRow{KeyName: name, Generation: 1, KeyID: uint32(i + 1), Commitment: vault.Commitment(key)}
		row.Sealed = p.wrap.Seal(nil, nil, key, vault.KeyAAD(row))
		if _, err := p.store.InsertKey(b.Context(), row); err != nil {
			b.Fatal(err)
		}
		aad, err := vault.AssociatedData(at)
		if err != nil {
			b.Fatal(err)
		}
		aead := newRawGCM(b, key)
		if i < manyCached {
			p.cached[i] = aead
		}
		p.names = append(p.names, name)
		p.aads = append(p.aads, aad)
		p.sealed = append(p.sealed, aead.Seal(nil, nil, plaintext, aad))
	}
	return p
}

// open opens one value, and before it the key, unless that is cached.
func (p *rawPeople) open(ctx context.Context, dst []byte, i int) ([]byte, error) {
	aead := p.cached[i]
	if aead == nil {
		rows, err := p.store.Keys(ctx, p.names[i])
		if err != nil {
			return nil, err
		}
		key, err := p.wrap.Open(nil, nil, rows[0].Sealed, vault.KeyAAD(rows[0]))
		if err != nil {
			return nil, err
		}
		if got := vault.Commitment(key); subtle.ConstantTimeCompare(got[:], rows[0].Commitment[:]) != 1 {
			return nil, vault.ErrKeyRecord
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	return aead.Open(dst, nil, p.sealed[i], p.aads[i])
}

// BenchmarkOpenMany opens values of 100,000 people in random order with room for
// 10,000 keys, so that nine keys in ten must be unwrapped first. The key rows
// are in memory.
func BenchmarkOpenMany(b *testing.B) {
	plaintext := make([]byte, 64)
	people := newRawPeople(b, plaintext)
	v, ctx := benchVault(b, vault.WithCache(manyCached), vault.WithKeyTTL(time.Hour), vault.WithWindow(time.Hour))
	v.LimitWindow(manySubjects)
	sealed := make([][]byte, manySubjects)
	items := make([]vault.Item, 1)
	for i := range sealed {
		items[0] = vault.Item{At: benchAt(strconv.Itoa(i)), Data: plaintext}
		out, err := v.SealBatch(ctx, items)
		if err != nil {
			b.Fatal(err)
		}
		sealed[i] = out[0]
	}
	ids := make([]string, manySubjects)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	rng := mrand.New(mrand.NewPCG(1, 2))
	buf := make([]byte, 0, 64)
	var err error
	pair(b, func() error {
		buf, err = people.open(ctx, buf[:0], rng.IntN(manySubjects))
		return err
	}, func() error {
		i := rng.IntN(manySubjects)
		buf, err = v.AppendOpen(ctx, buf[:0], benchAt(ids[i]), benchPurpose, sealed[i])
		return err
	})
}
