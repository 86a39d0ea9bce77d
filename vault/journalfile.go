package vault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// JournalFile is a [Journal] in a file, for the programs of a single machine: they
// may all have it open, and it is not for two machines, since most network file
// systems keep neither locks nor promises of durability. Put it where neither
// the database nor its backups are: it is to survive when they do not. Copying it
// elsewhere is a good thing and only ever loses its end; see docs/restore.md.
//
// Records are chained by hashes. What a crash cut off at the end was never
// acknowledged and is passed over, and overwritten by the next record; damage
// before that is [ErrJournal], and nothing is ever written behind it.
type JournalFile struct {
	path string
	f    *os.File

	mu sync.Mutex // and the file's lock, for as long as something is written
	// broken is why nothing may be believed any more.
	broken error
	// What was read and is durable: how long it is, the last hash, the last
	// position, and marks from which to read again.
	end   mark
	marks []mark
	since int // records since the last mark
}

var _ Journal = (*JournalFile)(nil)

// mark is a place between two records.
type mark struct {
	offset   int64
	chain    [32]byte
	position int64 // of the last line before
}

// markEvery is after how many records there is a mark.
const markEvery = 64

// CreateJournalFile makes an empty journal that only its owner may use. A file
// that exists is never touched: the error Is fs.ErrExist.
func CreateJournalFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("vault: create journal: %w", err)
	}
	if _, err = f.Write(newHeader()); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("vault: create journal: %w", err)
	}
	return nil
}

// OpenJournalFile opens a journal and reads it through. It returns [ErrJournal]
// for one that is damaged, and an error that is fs.ErrNotExist if there is none:
// a journal that is gone is not to be replaced without a thought, see
// [UnsafeNewJournal].
func OpenJournalFile(path string) (*JournalFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("vault: open journal: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is not a regular file", ErrJournal)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("vault: open journal: %w", err)
	}
	j := &JournalFile{path: path, f: f}
	if err := j.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

func (j *JournalFile) begin() error {
	header := make([]byte, headerLength)
	if _, err := j.f.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("vault: read journal: %w", err)
	}
	chain, ok := parseHeader(header)
	if !ok {
		return fmt.Errorf("%w: it is no journal file", ErrJournal)
	}
	j.end = mark{offset: int64(headerLength), chain: chain}
	j.marks = []mark{j.end}
	return j.locked(context.Background(), false, func() error { return nil })
}

// Close gives the file back.
func (j *JournalFile) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil {
		j.broken = fmt.Errorf("%w: it was closed", ErrJournal)
	}
	return j.f.Close()
}

// Append implements [Journal].
func (j *JournalFile) Append(ctx context.Context, lines [][]byte) error {
	for _, l := range lines {
		if len(l) == 0 || len(l) > MaxJournalLine {
			return fmt.Errorf("%w: a line is empty or too long", ErrJournal)
		}
	}
	for len(lines) > 0 {
		n := fits(lines)
		if err := j.locked(ctx, true, func() error { return j.write(lines[:n]) }); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// fits is how many of the lines go into one record.
func fits(lines [][]byte) int {
	sum := 0
	for i, l := range lines {
		if sum += len(l); i > 0 && (sum > recordBytes || i == recordLines) {
			return i
		}
	}
	return len(lines)
}

// locked runs fn under the file's lock, with everything read that is there.
func (j *JournalFile) locked(ctx context.Context, exclusive bool, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if err := waitLock(ctx, j.f, exclusive); err != nil {
		return err
	}
	defer func() { _ = unlockFile(j.f) }()
	if err := j.same(); err != nil {
		return err
	}
	if err := j.catchUp(); err != nil {
		return err
	}
	return fn()
}

// waitLock tries again until it has the lock or the caller gives up.
func waitLock(ctx context.Context, f *os.File, exclusive bool) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		free, err := tryLockFile(f, exclusive)
		if err != nil {
			return fmt.Errorf("vault: lock journal: %w", err)
		}
		if free {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// same makes sure that the open file is the one under the name: lines written
// to a file that was moved away or replaced would be lost.
func (j *JournalFile) same() error {
	ours, err := j.f.Stat()
	if err != nil {
		return fmt.Errorf("vault: look at journal: %w", err)
	}
	there, err := os.Stat(j.path)
	if err != nil {
		return fmt.Errorf("vault: look at journal: %w", err)
	}
	if !os.SameFile(ours, there) {
		return fmt.Errorf("%w: another file has taken its name", ErrJournal)
	}
	if ours.Size() < j.end.offset {
		return fmt.Errorf("%w: it is shorter than it was", ErrJournal)
	}
	return nil
}

// catchUp reads what was appended since, and makes it durable: whoever wrote it
// may have died before that.
func (j *JournalFile) catchUp() error {
	before := j.end
	err := j.scan(j.end, func(at mark, _ [][]byte) bool {
		j.advance(at)
		return true
	})
	if err == nil && j.end != before {
		if err = j.f.Sync(); err != nil {
			err = j.fail(fmt.Errorf("vault: sync journal: %w", err))
		}
	}
	return err
}

func (j *JournalFile) advance(at mark) {
	j.end = at
	if j.since++; j.since == markEvery {
		j.marks, j.since = append(j.marks, at), 0
	}
}

// fail makes the file unusable for this process: after a failed sync nobody
// knows what is on disk.
func (j *JournalFile) fail(err error) error {
	j.broken = fmt.Errorf("%w: %w", ErrJournal, err)
	return j.broken
}

// write appends one record behind what was read. A torn one that is in its place
// goes first.
func (j *JournalFile) write(lines [][]byte) error {
	at := mark{chain: chainOn(j.end.chain, lines), position: j.end.position + int64(len(lines))}
	record := appendRecord(nil, at.chain, lines)
	at.offset = j.end.offset + int64(len(record))
	err := j.f.Truncate(j.end.offset)
	if err == nil {
		_, err = j.f.WriteAt(record, j.end.offset)
	}
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		_ = j.f.Truncate(j.end.offset) // so that nobody takes it for durable
		return j.fail(fmt.Errorf("vault: write journal: %w", err))
	}
	j.advance(at)
	return nil
}

// scan reads records from a place on, until take returns false or none is left.
func (j *JournalFile) scan(from mark, take func(at mark, lines [][]byte) bool) error {
	info, err := j.f.Stat()
	if err != nil {
		return fmt.Errorf("vault: look at journal: %w", err)
	}
	left := info.Size() - from.offset
	if left <= 0 {
		return nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(j.f, from.offset, left), 1<<16)
	for at := from; ; {
		text, err := readRecord(r)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			return nil
		}
		chain, lines, ok := parseRecord(text)
		if !ok || chain != chainOn(at.chain, lines) {
			return torn(r)
		}
		at = mark{offset: at.offset + int64(len(text)), chain: chain, position: at.position + int64(len(lines))}
		if !take(at, lines) {
			return nil
		}
	}
}

// readRecord reads up to a newline, or to the end. What is too long for a record
// comes cut.
func readRecord(r *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := r.ReadSlice('\n')
		if room := maxRecord + 1 - len(text); room > 0 {
			text = append(text, part[:min(room, len(part))]...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return text, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		default:
			return nil, fmt.Errorf("vault: read journal: %w", err)
		}
	}
}

// torn tells what a crash cut off, which nothing follows, from damage, behind
// which there are records.
func torn(r *bufio.Reader) error {
	for {
		text, err := readRecord(r)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			return nil
		}
		if _, _, ok := parseRecord(text); ok {
			return fmt.Errorf("%w: it is damaged before its end", ErrJournal)
		}
	}
}

// Lines implements [Journal].
func (j *JournalFile) Lines(ctx context.Context, from int64) iter.Seq2[JournalLine, error] {
	return func(yield func(JournalLine, error) bool) {
		err := j.locked(ctx, false, func() error { return nil })
		for err == nil {
			var page []JournalLine
			if page, err = j.page(ctx, from); len(page) == 0 {
				break
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			from = page[len(page)-1].Position + 1
		}
		if err != nil {
			yield(JournalLine{}, err)
		}
	}
}

// page returns some lines from a position on, of those that are durable.
func (j *JournalFile) page(ctx context.Context, from int64) ([]JournalLine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return nil, j.broken
	}
	from = max(from, 1)
	if from > j.end.position {
		return nil, nil
	}
	i, exact := slices.BinarySearchFunc(j.marks, from-1, func(m mark, p int64) int { return int(m.position - p) })
	if !exact {
		i--
	}
	var page []JournalLine
	err := j.scan(j.marks[i], func(at mark, lines [][]byte) bool {
		for n, l := range lines {
			if p := at.position - int64(len(lines)-1-n); p >= from {
				page = append(page, JournalLine{Position: p, Line: l})
			}
		}
		return at.offset < j.end.offset && len(page) < recordLines
	})
	if err == nil && len(page) == 0 {
		err = fmt.Errorf("%w: what was there is gone", ErrJournal)
	}
	return page, err
}
