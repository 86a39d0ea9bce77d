package export

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"filippo.io/age"

	"github.com/trothdev/troth"
)

// Lock closes an archive: nobody reads it without what opens it. An archive is never
// without one. A Lock may be used for several archives.
type Lock struct{ to []age.Recipient }

// Work factors of scrypt, as powers of two: n takes 2^n KiB of memory.
const (
	// chosenWork is age's own: a second, and 256 MiB while it lasts, for passphrases that
	// people make up. Openings by others accept up to 22.
	chosenWork = 18
	// freshWork is for passphrases of 125 random bits: no work is needed on top of
	// that, and 16 MiB cost a server nothing.
	freshWork = 14
)

// MinPassphrase is the shortest passphrase of a person's own, in characters: a file
// can be tried at leisure.
const MinPassphrase = 12

// why keys and passphrases are looked at here.
const lockPurpose troth.Purpose = "export.lock"

// LockTo closes archives to public keys that the person gave: those of age, which begin
// with "age1", X25519 or post-quantum ("age1pq1"), not mixed. Anything else is [ErrKey].
func LockTo(keys ...string) (Lock, error) {
	if len(keys) == 0 {
		return Lock{}, ErrKey
	}
	var l Lock
	pq := 0
	for _, k := range keys {
		var r age.Recipient
		var err error
		if strings.HasPrefix(k, "age1pq1") {
			pq++
			r, err = age.ParseHybridRecipient(k)
		} else {
			r, err = age.ParseX25519Recipient(k)
		}
		if err != nil {
			return Lock{}, ErrKey // age's error quotes the key
		}
		l.to = append(l.to, r)
	}
	if pq != 0 && pq != len(keys) {
		return Lock{}, fmt.Errorf("%w: post-quantum keys are not mixed with others", ErrKey)
	}
	return l, nil
}

// LockWithPassphrase closes archives with a passphrase that the person chose. Closing
// takes about a second and 256 MiB, one archive at a time in this process. A passphrase
// shorter than [MinPassphrase] characters is [ErrKey].
func LockWithPassphrase(p troth.Sensitive[string]) (Lock, error) {
	text, err := p.Reveal(lockPurpose)
	if err != nil || utf8.RuneCountInString(text) < MinPassphrase {
		return Lock{}, fmt.Errorf("%w: a passphrase has at least %d characters", ErrKey, MinPassphrase)
	}
	return passphraseLock(text, chosenWork)
}

// FreshPassphrase makes a passphrase of 125 random bits: five groups of five letters and
// digits. It is returned this once, to be handed out on another way than the archive.
func FreshPassphrase() (Lock, troth.Sensitive[string], error) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand documents
	digits := base32.NewEncoding(freshDigits).WithPadding(base32.NoPadding).EncodeToString(b[:])
	var groups []string
	for i := 0; i+5 <= len(digits); i += 5 {
		groups = append(groups, digits[i:i+5])
	}
	text := strings.Join(groups, "-")
	l, err := passphraseLock(text, freshWork)
	return l, troth.Protect(text), err
}

const freshDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// LockWithFresh closes another archive with a passphrase that [FreshPassphrase] made.
// Text that does not look like one is [ErrKey]; one that a person made up to look like it
// is closed with too little work, and belongs to [LockWithPassphrase].
func LockWithFresh(p troth.Sensitive[string]) (Lock, error) {
	text, err := p.Reveal(lockPurpose)
	if err != nil || len(text) != 29 {
		return Lock{}, ErrKey
	}
	for i := range len(text) {
		if dash := i%6 == 5; dash != (text[i] == '-') || !dash && strings.IndexByte(freshDigits, text[i]) < 0 {
			return Lock{}, ErrKey
		}
	}
	return passphraseLock(text, freshWork)
}

// FreshKey makes a key of age (X25519) for who reads archives by program. The secret,
// which begins with "AGE-SECRET-KEY-1", is returned this once.
func FreshKey() (Lock, troth.Sensitive[string], error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return Lock{}, troth.Protect(""), fmt.Errorf("export: make key: %w", err)
	}
	return Lock{[]age.Recipient{id.Recipient()}}, troth.Protect(id.String()), nil
}

func passphraseLock(text string, work int) (Lock, error) {
	r, err := age.NewScryptRecipient(text)
	if err != nil {
		return Lock{}, ErrKey
	}
	r.SetWorkFactor(work)
	return Lock{[]age.Recipient{turn{r}}}, nil
}

// turn makes recipients that take much memory wait for each other.
type turn struct{ *age.ScryptRecipient }

var oneAtATime = make(chan struct{}, 1)

// Wrap takes its turn.
func (t turn) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	oneAtATime <- struct{}{}
	defer func() { <-oneAtATime }()
	return t.ScryptRecipient.Wrap(fileKey)
}

// WrapWithLabels takes its turn.
func (t turn) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	oneAtATime <- struct{}{}
	defer func() { <-oneAtATime }()
	return t.ScryptRecipient.WrapWithLabels(fileKey)
}

// Unlock opens archives.
type Unlock struct{ with age.Identity }

// UnlockWithPassphrase opens what was closed with a passphrase. It does at most the
// work that a passphrase of a person's own is made with here.
func UnlockWithPassphrase(p troth.Sensitive[string]) (Unlock, error) {
	text, err := p.Reveal(lockPurpose)
	if err != nil {
		return Unlock{}, ErrKey
	}
	id, err := age.NewScryptIdentity(text)
	if err != nil {
		return Unlock{}, ErrKey
	}
	id.SetMaxWorkFactor(chosenWork)
	return Unlock{waiting{id}}, nil
}

// UnlockWithKey opens what was closed to the public half of a key of age.
func UnlockWithKey(secret troth.Sensitive[string]) (Unlock, error) {
	text, err := secret.Reveal(lockPurpose)
	if err != nil {
		return Unlock{}, ErrKey
	}
	if id, err := age.ParseX25519Identity(text); err == nil {
		return Unlock{id}, nil
	}
	id, err := age.ParseHybridIdentity(text)
	if err != nil {
		return Unlock{}, ErrKey // age's error quotes the key
	}
	return Unlock{id}, nil
}

// waiting is turn for opening.
type waiting struct{ *age.ScryptIdentity }

// Unwrap takes its turn.
func (w waiting) Unwrap(s []*age.Stanza) ([]byte, error) {
	oneAtATime <- struct{}{}
	defer func() { <-oneAtATime }()
	return w.ScryptIdentity.Unwrap(s)
}

// Decrypt reads the ZIP out of an archive, for [Verify]. It returns [ErrLocked] where
// the key is another, and [ErrArchive] for what is no file of age; so does the reader
// for one that is damaged further on.
func (u Unlock) Decrypt(archive io.Reader) (io.Reader, error) {
	if u.with == nil {
		return nil, ErrKey
	}
	src := &watched{r: archive}
	r, err := age.Decrypt(src, u.with)
	if err != nil {
		return nil, src.judge(unlockError(err))
	}
	return decrypted{r, src}, nil
}

func unlockError(err error) error {
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok || errors.Is(err, age.ErrIncorrectIdentity) {
		return ErrLocked
	}
	return broken("", "it is no file of age, or not a whole one")
}

// watched remembers that its source failed, so that a disk's error is not taken for
// damage of what lies on it.
type watched struct {
	r  io.Reader
	at io.ReaderAt

	mu  sync.Mutex
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	w.note(err)
	return n, err
}

func (w *watched) ReadAt(b []byte, at int64) (int, error) {
	n, err := w.at.ReadAt(b, at)
	w.note(err)
	return n, err
}

func (w *watched) note(err error) {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// judge returns the source's error if there was one.
func (w *watched) judge(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return &readError{w.err}
	}
	return err
}

// decrypted tells damage from the end.
type decrypted struct {
	r   io.Reader
	src *watched
}

func (d decrypted) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = d.src.judge(broken("", "it cannot be decrypted to its end"))
	}
	return n, err
}

// decryptAt is Decrypt for what can be read anywhere.
func (u Unlock) decryptAt(archive io.ReaderAt, size int64) (decryptedAt, int64, error) {
	if u.with == nil {
		return decryptedAt{}, 0, ErrKey
	}
	src := &watched{at: archive}
	r, n, err := age.DecryptReaderAt(src, size, u.with)
	if err != nil {
		return decryptedAt{}, 0, src.judge(unlockError(err))
	}
	return decryptedAt{r, src}, n, nil
}

type decryptedAt struct {
	r   io.ReaderAt
	src *watched
}

// ReadAt is that of io.ReaderAt.
func (d decryptedAt) ReadAt(b []byte, at int64) (int, error) {
	n, err := d.r.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		err = d.src.judge(broken("", "it cannot be decrypted to its end"))
	}
	return n, err
}
