package export_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

type readCloser = io.ReadCloser

var errSource = errors.New("source failed")

func TestCopy_TellsThatASourceFailed(t *testing.T) {
	w := newWorld(t)
	failing := func(records ...export.Record) func(func(export.Record, error) bool) {
		return func(yield func(export.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			yield(export.Record{}, errSource)
		}
	}
	archive := w.write(func(x *export.Writer) {
		err := x.Copy(t.Context(), orders, failing(order("1", export.Int("a", 1))))
		require.ErrorIs(t, err, errSource)
		failed, ok := errors.AsType[*export.SourceError](err)
		require.True(t, ok)
		require.Equal(t, "shop", failed.Source)
		require.ErrorIs(t, x.Copy(t.Context(), export.Source{Name: "down"}, failing()), errSource)
		copyAll(t, x, export.Source{Name: "after"})
	})
	a, err := w.open(archive)
	require.NoError(t, err)
	s := a.Manifest.Sources
	require.Equal(t, []export.Status{export.Partial, export.Absent, export.Empty}, []export.Status{s[0].Status, s[1].Status, s[2].Status})
	require.Equal(t, []export.Reason{export.Failed, export.Failed, ""}, []export.Reason{s[0].Reason, s[1].Reason, s[2].Reason})
	require.Equal(t, uint64(1), s[0].Records)
	require.Len(t, a.Manifest.Missing(), 2)
}

func TestCopy_AnswersACancelledContextWithNoArchive(t *testing.T) {
	w := newWorld(t)
	var b bytes.Buffer
	x, err := export.NewWriter(&b, w.config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	err = x.Copy(ctx, orders, func(yield func(export.Record, error) bool) {
		yield(order("1", export.Int("a", 1)), nil)
		cancel()
		yield(export.Record{}, ctx.Err())
	})
	require.ErrorIs(t, err, context.Canceled)
	_, err = x.Close()
	require.Error(t, err)
	_, err = w.open(b.Bytes())
	require.ErrorIs(t, err, export.ErrArchive)
}

func TestSection_RefusesARecordAndGoesOn(t *testing.T) {
	w := newWorld(t)
	bad := map[string]export.Record{
		"no type":              {ID: "1"},
		"a type with controls": {Type: "a\nb"},
		"a field twice":        order("1", export.Int("a", 1), export.Int("a", 2)),
		"a field without name": order("1", export.Int("", 1)),
		"a hidden name":        order("1", export.Int("\u202ea", 1)),
		"a new name, twice":    order("1", export.Int("n", 1), export.Int("n", 2)),
		"too large":            order("1", export.Text("a", strings.Repeat("x", export.MaxRecord+1))),
		"an id not UTF-8":      order("\xff"),
		"a file not to open":   order("1", export.File("a", &export.Attachment{Name: "x"})),
		"too many fields":      order("1", make([]export.Field, export.MaxFields+1)...),
	}
	archive := w.write(func(x *export.Writer) {
		s, err := x.Section(orders)
		require.NoError(t, err)
		for name, r := range bad { // also as the first of its type
			require.ErrorIs(t, s.Write(t.Context(), r), export.ErrRecord, name)
		}
		require.NoError(t, s.Write(t.Context(), order("good", export.Int("a", 1))))
		for name, r := range bad {
			require.ErrorIs(t, s.Write(t.Context(), r), export.ErrRecord, name)
		}
		require.NoError(t, s.End())
	})
	list, _ := w.records(archive)
	require.Len(t, list, 1)
	require.Equal(t, "good", list[0].Record.ID)
}

// cutReader ends like a connection that was cut.
type cutReader struct{ r io.Reader }

func (c cutReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
func (cutReader) Close() error { return nil }

// An attachment that cannot be read to its end is not in the archive, which says so.
func TestWriter_TellsThatAnAttachmentCannotBeRead(t *testing.T) {
	w := newWorld(t)
	large := strings.Repeat("x", 3<<20)
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, orders, order("1",
			export.File("gone", &export.Attachment{Open: func(context.Context) (io.ReadCloser, error) { return nil, os.ErrNotExist }}),
			export.File("cut", &export.Attachment{Open: func(context.Context) (io.ReadCloser, error) {
				return cutReader{strings.NewReader(large)}, nil
			}}),
			export.File("good", export.FileOf("x.txt", "", []byte("good")))))
	})
	list, files := w.records(archive)
	f := list[0].Record.Fields
	require.Equal(t, export.Unreadable, f[0].Value.Redacted())
	require.Equal(t, export.Unreadable, f[1].Value.Redacted())
	require.Equal(t, map[string]string{"attachments/000001.txt": "good"}, files)
}

// full fails when so many bytes were written.
type full struct {
	left int
	b    bytes.Buffer
}

var errFull = errors.New("disk full")

func (f *full) Write(b []byte) (int, error) {
	n := min(f.left, len(b))
	f.b.Write(b[:n])
	if f.left -= n; n < len(b) {
		return n, errFull
	}
	return n, nil
}

// Wherever writing ends before its end, nothing opens or verifies what is there, and
// the writer says so.
func TestWriter_WhatWasCutOffIsNoArchive(t *testing.T) {
	w := newWorld(t)
	whole := w.small()
	for size := 0; size < len(whole)-64; size += 211 {
		f := &full{left: size}
		err := func() error {
			x, err := export.NewWriter(f, w.config)
			if err != nil {
				return err
			}
			defer x.Abort()
			if err := x.Copy(t.Context(), orders, list(order("1", export.Text("a", strings.Repeat("long ", 2000)), export.File("b", export.FileOf("", "", random(1<<14)))))); err != nil {
				return err
			}
			_, err = x.Close()
			if err == nil {
				return nil
			}
			_, again := x.Close()
			require.Error(t, again)
			require.Error(t, x.Missing(export.Source{Name: "x"}, export.Failed))
			return err
		}()
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errFull)
		_, err = w.open(f.b.Bytes())
		require.Error(t, err, "%d bytes", size)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func TestWriter_AbortLeavesNoArchive(t *testing.T) {
	w := newWorld(t)
	var b bytes.Buffer
	x, err := export.NewWriter(&b, w.config)
	require.NoError(t, err)
	s, err := x.Section(orders)
	require.NoError(t, err)
	require.NoError(t, s.Write(t.Context(), order("1", export.Int("a", 1))))
	_, err = x.Close()
	require.ErrorIs(t, err, export.ErrClosed, "a section is open")
	_, err = x.Section(export.Source{Name: "other"})
	require.ErrorIs(t, err, export.ErrClosed)
	x.Abort()
	require.ErrorIs(t, s.Write(t.Context(), order("2")), export.ErrClosed)
	require.ErrorIs(t, s.End(), export.ErrClosed)
	_, err = x.Close()
	require.ErrorIs(t, err, export.ErrClosed)
	_, err = w.open(b.Bytes())
	require.Error(t, err)
}

// Nothing stays in the folder of temporary files.
func TestWriter_TemporaryFilesAreGone(t *testing.T) {
	w := newWorld(t)
	w.write(func(x *export.Writer) {
		require.NoError(t, x.Copy(t.Context(), orders, func(yield func(export.Record, error) bool) {
			for range 5 {
				if !yield(order("1", export.Bytes("noise", noise(1<<20))), nil) {
					return
				}
			}
			found, err := os.ReadDir(w.config.TempDir)
			require.NoError(t, err)
			require.Empty(t, found, "the file has no name while it is used")
		}))
	})
	found, err := os.ReadDir(w.config.TempDir)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestNewWriter_RefusesWhatIsMissing(t *testing.T) {
	for name, change := range map[string]func(*export.Config){
		"subject":    func(c *export.Config) { c.Subject = troth.Subject{} },
		"request":    func(c *export.Config) { c.Request = "" },
		"controller": func(c *export.Config) { c.Controller = "" },
		"created":    func(c *export.Config) { c.Created = created.AddDate(-100, 0, 0) },
		"signer":     func(c *export.Config) { c.Signer = nil },
		"lock":       func(c *export.Config) { c.Lock = export.Lock{} },
		"sheet":      func(c *export.Config) { c.Sheet = &export.Sheet{} },
	} {
		c := newWorld(t).config
		change(&c)
		_, err := export.NewWriter(io.Discard, c)
		require.Error(t, err, name)
	}
}

func TestWriter_RefusesSourcesOfOneName(t *testing.T) {
	w := newWorld(t)
	w.write(func(x *export.Writer) {
		copyAll(t, x, orders)
		_, err := x.Section(orders)
		require.ErrorIs(t, err, export.ErrConfig)
		require.ErrorIs(t, x.Missing(orders, export.Failed), export.ErrConfig)
		require.ErrorIs(t, x.Missing(export.Source{Name: "x"}, "because"), export.ErrConfig)
		_, err = x.Section(export.Source{Name: "a\x00"})
		require.ErrorIs(t, err, export.ErrConfig)
	})
}

// Names may look like paths, like each other, or like what others are made into.
func TestWriter_PathsAreSafeAndDiffer(t *testing.T) {
	w := newWorld(t)
	names := []string{"a", "A", "../a", "..", ".", "/", "con", "CON", "con-1143da2b", "con-a3dbc4b6", "a.", "a ", "é", "e\u0301", strings.Repeat("x", 200), strings.Repeat("x", 201), "a/b"}
	archive := w.write(func(x *export.Writer) {
		for _, source := range names {
			s := export.Source{Name: source}
			var records []export.Record
			for _, kind := range names {
				records = append(records, export.Record{Type: kind})
			}
			copyAll(t, x, s, records...)
		}
	})
	files := contents(t, w.zip(archive))
	seen := map[string]bool{}
	for _, f := range files {
		require.NotContains(t, f.path, "..")
		require.Regexp(t, `^[a-z0-9_-][a-z0-9_./-]*$`, f.path)
		lower := strings.ToLower(f.path)
		require.False(t, seen[lower], f.path)
		seen[lower] = true
	}
	require.Len(t, files, 2*len(names)*len(names)+3)
	list, _ := w.records(archive)
	require.Len(t, list, len(names)*len(names))
}
