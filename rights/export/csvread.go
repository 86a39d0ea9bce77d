package export

import (
	"bufio"
	"errors"
	"io"
)

// readRow reads one record of CSV as RFC 4180 has it and as appendRow writes it: CR LF
// ends it, quotes stand around whole cells. It takes no more than limit bytes.
func readRow(r *bufio.Reader, limit int) (cells []string, raw []byte, err error) {
	var cell []byte
	quoted, closed := false, false
	for {
		c, err := r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(raw) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, raw, err
		}
		if raw = append(raw, c); len(raw) > limit {
			return nil, raw, ErrLimit
		}
		switch {
		case quoted && c == '"':
			quoted, closed = false, true
		case quoted:
			cell = append(cell, c)
		case c == '"' && closed:
			cell, quoted, closed = append(cell, c), true, false
		case c == '"' && len(cell) == 0:
			quoted = true
		case c == ',':
			cells, cell, closed = append(cells, string(cell)), nil, false
		case c == '\r':
			if c, err = r.ReadByte(); err != nil || c != '\n' {
				return nil, raw, io.ErrUnexpectedEOF
			}
			return append(cells, string(cell)), append(raw, c), nil
		case c == '"' || c == '\n' || closed:
			return nil, raw, io.ErrUnexpectedEOF
		default:
			cell = append(cell, c)
		}
	}
}
