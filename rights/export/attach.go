package export

import (
	"bytes"
	"context"
	"io"
	"slices"
)

// attach copies an attachment into the archive. One that cannot be read is not there,
// and its field says so.
func (s *Section) attach(ctx context.Context, a *Attachment) (Value, error) {
	x := s.x
	if x.files >= MaxFiles {
		return Value{}, x.fail(ErrLimit)
	}
	mark := x.press.spool.end
	m := newMember(attachmentPath(x.files+1, a.Name))
	ok, err := s.read(ctx, a, m)
	if err != nil {
		return Value{}, err
	}
	if !ok {
		x.press.spool.release(mark)
		return redactedValue(Unreadable, ""), nil
	}
	x.files++
	sum, err := x.put(m, AttachmentFile)
	if err != nil {
		return Value{}, err
	}
	x.press.spool.release(mark)
	return Value{kind: AttachmentKind, file: &Attachment{Name: a.Name, MediaType: a.MediaType, Path: m.path, Size: m.size, SHA256: sum}}, nil
}

// read fills the member, and reports whether the attachment could be read.
func (s *Section) read(ctx context.Context, a *Attachment, m *member) (bool, error) {
	from, err := a.Open(ctx)
	if err != nil || from == nil {
		return false, s.stopped(ctx)
	}
	defer func() { _ = from.Close() }() // it was only read
	for empty := 0; ; {
		if err := s.stopped(ctx); err != nil {
			return false, err
		}
		m.buf = slices.Grow(m.buf, pieceSize-len(m.buf))
		n, err := from.Read(m.buf[len(m.buf):pieceSize])
		m.buf = m.buf[:len(m.buf)+n]
		if n > 0 {
			empty = 0
		} else {
			empty++
		}
		switch {
		// Only this is the end: what is cut off on its way ends with another error.
		case err == io.EOF:
			return true, nil
		case err != nil || empty > 100:
			return false, s.stopped(ctx)
		}
		if len(m.buf) < pieceSize {
			continue
		}
		if err := s.x.press.flush(m, false); err != nil {
			return false, s.x.fail(err)
		}
	}
}

// FileOf makes an attachment of bytes in memory.
func FileOf(name, mediaType string, content []byte) *Attachment {
	return &Attachment{Name: name, MediaType: mediaType, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}
