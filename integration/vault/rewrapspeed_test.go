package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

var rewrapKeys = flag.Int("rewrap.keys", 20_000, "keys of the test of rewrapping's speed")

const rewrapTenants = 20

// gcm is AES-256-GCM with a random nonce in front, by docs/formats.md.
func gcm(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return aead
}

func commitmentTo(key []byte) [32]byte {
	const domain = "troth.vault.commit/1"
	b := append([]byte{1, 0, 0, 0, byte(len(domain))}, domain...)
	b = append(b, 1, 0, 0, 0, byte(len(key)))
	return sha256.Sum256(append(b, key...))
}

// keyMessage is what a data key is bound to.
func keyMessage(b []byte, k *vault.KeyRow) []byte {
	const domain = "troth.vault.key/1"
	b = append(append(b, 1, 0, 0, 0, byte(len(domain))), domain...)
	for _, text := range []string{string(k.Tenant), k.SubjectID, string(k.Compartment)} {
		b = binary.BigEndian.AppendUint32(append(b, 2), uint32(len(text)))
		b = append(b, text...)
	}
	for _, n := range []uint32{k.Generation, k.KeyID, k.Epoch} {
		b = binary.BigEndian.AppendUint64(append(b, 3), uint64(n))
	}
	return append(append(b, 1, 0, 0, 0, 32), k.Commitment[:]...)
}

// rootOf makes the tenant's first root, of epoch 1, by hand, and returns its wrap
// key.
func (e *epochal) rootOf(store *vaultsql.Store, tenant troth.Tenant) cipher.AEAD {
	e.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	row := vault.RootRow{Tenant: tenant, Lineage: vault.WrapLineage, Epoch: 1, Commitment: commitmentTo(secret), CreatedAt: 1}
	epochs, err := folderOf(e.d.epochFolder())
	require.NoError(e, err)
	inner, err := epochs.Wrap(e.svc, 1, secret, rootMessage("troth.vault.epoch/1", row))
	require.NoError(e, err)
	secrets, err := secretsOf(e.d)
	require.NoError(e, err)
	row.Sealed, err = secrets.KEK.EncryptWithContext(e.svc, inner, rootMessage("troth.vault.root/1", row))
	require.NoError(e, err)
	inserted, err := store.InsertRoot(e.svc, row)
	require.NoError(e, err)
	require.True(e, inserted)
	wrap, err := hkdf.Expand(sha256.New, secret, "troth.vault.wrap/1", 32)
	require.NoError(e, err)
	return gcm(e, wrap)
}

// keysOf makes keys of a tenant by hand: the vault, which looks at each person
// before, would take longer to make a million than to move them.
func (e *epochal) keysOf(wrap cipher.AEAD, tenant troth.Tenant, n int) {
	e.Helper()
	const page = 500
	text := e.d.dialect().Rebind("INSERT INTO troth_vault_key (tenant, subject, compartment, generation, key_id, epoch, first_epoch, " +
		"sealed, commitment, created_at) VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?, 'profile', 1, ?, 1, 1, ?, ?, 1), ", page), ", "))
	tx, err := e.db.BeginTx(e.svc, nil)
	require.NoError(e, err)
	defer func() { _ = tx.Rollback() }()
	require.Zero(e, n%page)
	for begin := 0; begin < n; begin += page {
		args := make([]any, 0, 5*page)
		for i := begin; i < begin+page; i++ {
			key := make([]byte, 32)
			_, _ = rand.Read(key)
			row := vault.KeyRow{
				KeyName:    vault.KeyName{Tenant: tenant, SubjectID: fmt.Sprintf("subject-%08d", i), Compartment: profile},
				Generation: 1, KeyID: uint32(i + 1), Epoch: 1, Commitment: commitmentTo(key),
			}
			row.Sealed = wrap.Seal(nil, nil, key, keyMessage(nil, &row))
			args = append(args, string(tenant), row.SubjectID, int64(row.KeyID), row.Sealed, row.Commitment[:])
		}
		_, err := tx.ExecContext(e.svc, text, args...)
		require.NoError(e, err)
	}
	require.NoError(e, tx.Commit())
}

// cpu is the processor time of this process.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cryptoOf is the processor time that the cryptography of one key takes: it is
// opened under one wrap key, its commitment is checked, and it is sealed under
// the other.
func (e *epochal) cryptoOf() time.Duration {
	e.Helper()
	old, next := gcm(e, make([]byte, 32)), gcm(e, append(make([]byte, 31), 1))
	row := vault.KeyRow{KeyName: vault.KeyName{Tenant: "tenant-00", SubjectID: "subject-00000000", Compartment: profile}, Generation: 1, KeyID: 1}
	key := make([]byte, 32)
	row.Commitment = commitmentTo(key)
	sealed := old.Seal(nil, nil, key, keyMessage(nil, &row))
	const rounds = 100_000
	var message, plain, out []byte
	began := cpu(e)
	for range rounds {
		var err error
		message = keyMessage(message[:0], &row)
		plain, err = old.Open(plain[:0], nil, sealed, message)
		if err != nil || commitmentTo(plain) != row.Commitment {
			e.Fatal("not opened")
		}
		message = keyMessage(message[:0], &row)
		out = next.Seal(out[:0], nil, plain, message)
	}
	return (cpu(e) - began) / rounds
}

// TestRewrap_CryptographyIsTheSmallerPart measures the share of the processor
// time of this process that rewrapping spends on cryptography, the database's
// own not counted where that is another process. -rewrap.keys=1000000 is what
// docs/performance.md tells of.
func TestRewrap_CryptographyIsTheSmallerPart(t *testing.T) {
	figures(t)
	for name, d := range map[string]func(testing.TB) database{"sqlite": newSQLite, "postgres": newPostgres} {
		t.Run(name, func(t *testing.T) {
			d := d(t)
			e := d.epochal(t)
			store, err := vaultsql.New(e.svc, e.Handle)
			require.NoError(t, err)
			for i := range rewrapTenants {
				tenant := troth.Tenant(fmt.Sprintf("tenant-%02d", i))
				e.keysOf(e.rootOf(store, tenant), tenant, *rewrapKeys/rewrapTenants)
			}
			if d.Driver == "pgx" {
				_, err := e.db.ExecContext(e.svc, "ANALYZE")
				require.NoError(t, err)
			}
			epochs, err := folderOf(d.epochFolder())
			require.NoError(t, err)
			_, err = epochs.Wrap(e.svc, e.advance(), nil, nil) // its passphrase is stretched once
			require.NoError(t, err)
			began, used := time.Now(), cpu(t)
			moved := 0
			for done := false; !done; {
				r, err := e.Vault.Rewrap(e.svc, vault.RewrapParams{Keys: 100_000})
				require.NoError(t, err)
				require.Empty(t, r.Stuck)
				moved, done = moved+r.Moved, r.Done
			}
			took, total := time.Since(began), cpu(t)-used
			require.Equal(t, *rewrapKeys, moved)
			e.allUnder(2)
			each := e.cryptoOf()
			share := 100 * float64(each) * float64(moved) / float64(total)
			t.Logf("%d keys in %v: %.0f keys/s, %v of processor time a key, %v (%.1f %%) of it cryptography",
				moved, took.Round(time.Millisecond), float64(moved)/took.Seconds(), total/time.Duration(moved), each, share)
			require.Less(t, share, 25.0)
		})
	}
}

// BenchmarkOpen_WhileAnotherTenantRotates opens values of one tenant in slices,
// in turn alone and while another tenant with 1,000 people is rotated, and
// reports the ratio of the medians: what a slice shares with its neighbours, such
// as other load on the machine, falls out of it.
func BenchmarkOpen_WhileAnotherTenantRotates(b *testing.B) {
	for name, d := range map[string]func(testing.TB) database{"sqlite": newSQLite, "postgres": newPostgres} {
		b.Run(name, func(b *testing.B) { openBeside(b, d(b)) })
	}
}

// slice is how many openings are timed together: about as long as a rotation.
const slice = 50_000

func openBeside(b *testing.B, d database) {
	folders.Store(d.epochFolder(), &vaulttest.EpochStore{}) // no passphrase to stretch for each epoch
	ctx := service(b.Context(), "keeper")
	k, err := wireEpochs(ctx, d.open(b), d)
	require.NoError(b, err)
	b.Cleanup(func() { _ = k.Handle.Close() })
	values := map[troth.Tenant][][]byte{}
	for tenant, n := range map[troth.Tenant]int{shop: 100, "bakery-3": 1000} {
		for i := range n {
			s := strconv.Itoa(i)
			v, err := k.Vault.AppendSeal(ctx, nil, emailOf(tenant, s), plaintextOf(s))
			require.NoError(b, err)
			values[tenant] = append(values[tenant], v)
		}
	}
	places := make([]troth.Context, len(values[shop]))
	for i := range places {
		places[i] = emailOf(shop, strconv.Itoa(i))
	}
	var dst []byte
	open := func() time.Duration {
		began := time.Now()
		for i := range slice {
			n := i % len(places)
			if dst, err = k.Vault.AppendOpen(ctx, dst[:0], places[n], orders, values[shop][n]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	open()
	var alone, beside []time.Duration
	rotations := 0
	for b.Loop() {
		alone = append(alone, open())
		stop, done, begun := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				if _, err := k.Vault.Advance(ctx); err != nil {
					b.Error(err)
				}
				if i == 0 {
					close(begun)
				}
				if r, err := k.Vault.Rotate(ctx, "bakery-3"); err != nil || r.Moved != 1000 {
					b.Error(r, err)
				}
				rotations++
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		<-begun
		beside = append(beside, open())
		close(stop)
		<-done
	}
	slices.Sort(alone)
	slices.Sort(beside)
	x, y := alone[len(alone)/2], beside[len(beside)/2]
	b.ReportMetric(float64(x)/slice, "ns/alone")
	b.ReportMetric(float64(y)/slice, "ns/beside")
	b.ReportMetric(float64(y)/float64(x), "ratio")
	b.ReportMetric(float64(rotations), "rotations")
}
