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

// rawPerson is what opening takes without a vault: the sealed key, what it is
// bound to, and a sealed value. The associated data is made beforehand, which
// the vault cannot do.
type rawPerson struct {
	wrapped, keyAAD []byte
	commitment      [32]byte
	sealed, aad     []byte
	cached          cipher.AEAD
}

func rawPeople(b *testing.B, wrap cipher.AEAD, plaintext []byte) []rawPerson {
	b.Helper()
	people := make([]rawPerson, manySubjects)
	key := make([]byte, 32)
	for i := range people {
		p := &people[i]
		_, _ = rand.Read(key)
		at := benchAt(strconv.Itoa(i))
		p.commitment = vault.Commitment(key)
		p.keyAAD = vault.KeyAAD(vault.KeyRow{
			KeyName:    vault.KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment},
			Generation: 1, KeyID: uint32(i), Commitment: p.commitment,
		})
		p.wrapped = wrap.Seal(nil, nil, key, p.keyAAD)
		var err error
		if p.aad, err = vault.AssociatedData(at); err != nil {
			b.Fatal(err)
		}
		aead := newRawGCM(b, key)
		p.sealed = aead.Seal(nil, nil, plaintext, p.aad)
		if i < manyCached {
			p.cached = aead
		}
	}
	return people
}

// open opens the value, and the key first unless it is cached.
func (p *rawPerson) open(b *testing.B, dst []byte, wrap cipher.AEAD) ([]byte, error) {
	b.Helper()
	aead := p.cached
	if aead == nil {
		key, err := wrap.Open(nil, nil, p.wrapped, p.keyAAD)
		if err != nil {
			return nil, err
		}
		if got := vault.Commitment(key); subtle.ConstantTimeCompare(got[:], p.commitment[:]) != 1 {
			return nil, vault.ErrKeyRecord
		}
		aead = newRawGCM(b, key)
	}
	return aead.Open(dst, nil, p.sealed, p.aad)
}

// BenchmarkOpenMany opens values of 100,000 people in random order with room for
// 10,000 keys, so that nine keys in ten must be unwrapped first. The key rows
// are in memory.
func BenchmarkOpenMany(b *testing.B) {
	plaintext := make([]byte, 64)
	wrap := rawGCM(b)
	people := rawPeople(b, wrap, plaintext)
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
		buf, err = people[rng.IntN(manySubjects)].open(b, buf[:0], wrap)
		return err
	}, func() error {
		i := rng.IntN(manySubjects)
		buf, err = v.AppendOpen(ctx, buf[:0], benchAt(ids[i]), benchPurpose, sealed[i])
		return err
	})
}
