package apiserver

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gzipThreshold is where compressing pays: below it the time costs more than the bytes. Upstream uses the same number.
const gzipThreshold = 128 * 1024

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a constant of the package: it cannot be wrong
	return w
}}

// respond writes a whole answer. Nothing can be done about a client that does not read it.
func (q *call) respond(code int, contentType string, body []byte) {
	header := q.w.Header()
	header.Set("Content-Type", contentType)
	if len(body) >= gzipThreshold && q.r.Method == http.MethodGet && acceptsGzip(q.r) {
		header.Set("Content-Encoding", "gzip")
		header.Add("Vary", "Accept-Encoding")
		q.w.WriteHeader(code)
		compressor := gzipWriters.Get().(*gzip.Writer)
		compressor.Reset(q.w)
		_, _ = compressor.Write(body)
		_ = compressor.Close()
		gzipWriters.Put(compressor)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(code)
	_, _ = q.w.Write(body)
}

func acceptsGzip(r *http.Request) bool {
	for encoding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if name, _, _ := strings.Cut(strings.TrimSpace(encoding), ";"); name == "gzip" {
			return true
		}
	}
	return false
}

// respondEntry answers with one object in the form that was negotiated.
func (s *Server) respondEntry(q *call, code int, e *entry) error {
	if q.form.as != nil {
		return s.respondTransformed(q, code, []*entry{e}, nil)
	}
	body, err := q.form.encodeEntry(e)
	if err != nil {
		return err
	}
	q.respond(code, q.form.contentType(), body)
	return nil
}

func writeBytes(w http.ResponseWriter, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	_, err := w.Write(body)
	return err
}
