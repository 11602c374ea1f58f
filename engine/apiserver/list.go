package apiserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/store"
)

// Texts that clients know.
const (
	listExpired     = "The resourceVersion for the provided list is too old."
	continueExpired = "The provided continue parameter is too old to display a consistent list result. " +
		"You can start a new list without the continue parameter, or use the continue token in this response to retrieve " +
		"the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that " +
		"were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
	watchExpired = "The resourceVersion for the provided watch is too old."
)

func (s *Server) list(q *call) error {
	options, err := q.listOptions()
	if err != nil {
		return err
	}
	items, header, err := s.listPage(q.ctx(), selectionOf(q, options), options)
	if err != nil {
		return err
	}
	return s.respondList(q, items, header)
}

// listPage reads one page of a selection: the objects and the metadata of the list.
func (s *Server) listPage(ctx context.Context, sel selection, options *internalversion.ListOptions) ([]*entry, *metav1.ListMeta, error) {
	from, revision, err := s.whereToRead(sel, options)
	if err != nil {
		return nil, nil, err
	}
	reader := pageReader{s: s, sel: sel, from: from, revision: revision, limit: int(options.Limit)}
	if err := reader.read(ctx); err != nil {
		return nil, nil, listError(err, options, sel)
	}
	return reader.items, reader.header(), nil
}

// whereToRead turns resourceVersion, resourceVersionMatch and continue into a first key and a revision; 0 is now.
func (s *Server) whereToRead(sel selection, options *internalversion.ListOptions) (from string, revision int64, err error) {
	if options.Continue != "" {
		from, revision, err = decodeContinue(options.Continue, prefixKey(sel.kind, ""))
		if err != nil {
			return "", 0, apierrors.NewBadRequest(err.Error())
		}
		if revision < 0 {
			revision = 0 // go on at the present, as the client was offered with the 410
		}
		return from, revision, nil
	}
	asked, err := parseVersion(options.ResourceVersion)
	if err != nil || asked == 0 {
		return "", 0, err
	}
	if current := s.store.Revision(); asked > current {
		return "", 0, tooLargeVersion(asked, current)
	}
	exact := options.ResourceVersionMatch == metav1.ResourceVersionMatchExact ||
		(options.ResourceVersionMatch == "" && options.Limit > 0)
	if exact {
		return "", asked, nil
	}
	return "", 0, nil
}

// parseVersion reads a resourceVersion; empty and "0" are 0.
func parseVersion(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	version, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("Invalid value: %q: strconv.ParseUint: parsing %q: invalid syntax", text, text))
	}
	return int64(version), nil
}

func listError(err error, options *internalversion.ListOptions, sel selection) error {
	if !errors.Is(err, store.ErrCompacted) {
		return err
	}
	if options.Continue == "" {
		return apierrors.NewResourceExpired(listExpired)
	}
	expired := apierrors.NewResourceExpired(continueExpired)
	prefix := prefixKey(sel.kind, "")
	if from, _, err := decodeContinue(options.Continue, prefix); err == nil {
		expired.ErrStatus.Continue = encodeContinue(from, prefix, -1)
	}
	return expired
}

// pageReader collects the entries of one page, asking the store as often as selectors make necessary.
type pageReader struct {
	s        *Server
	sel      selection
	from     string
	revision int64
	limit    int // 0: all

	items []*entry
	last  string // key of the newest item, when the page is full
	more  int
}

func (p *pageReader) read(ctx context.Context) error {
	for {
		page, err := p.s.store.List(ctx, store.ListOptions{
			Prefix: p.sel.prefix(), From: p.from, Limit: p.limit, Revision: p.revision,
		})
		if err != nil {
			return err
		}
		p.revision = page.Revision // later pages read the same moment
		full, err := p.take(page)
		if err != nil || full || page.More == 0 {
			return err
		}
		p.from = page.KVs[len(page.KVs)-1].Key + "\x00"
	}
}

// take adds what matches and reports whether the page is full with more to come.
func (p *pageReader) take(page store.Page) (full bool, err error) {
	for i, kv := range page.KVs {
		e, err := p.s.entryOf(p.sel.kind, kv)
		if err != nil {
			return false, err
		}
		matches, err := p.sel.matches(e)
		if err != nil {
			return false, err
		}
		if !matches {
			continue
		}
		if e, err = p.s.shownAs(p.sel.kind, e); err != nil {
			return false, err
		}
		p.items = append(p.items, e)
		if p.limit > 0 && len(p.items) == p.limit {
			p.last, p.more = kv.Key, page.More+len(page.KVs)-i-1
			return true, nil
		}
	}
	return false, nil
}

func (p *pageReader) header() *metav1.ListMeta {
	header := &metav1.ListMeta{ResourceVersion: strconv.FormatInt(p.revision, 10)}
	if p.more > 0 {
		header.Continue = encodeContinue(p.last+"\x00", prefixKey(p.sel.kind, ""), p.revision)
		if p.sel.everything() {
			remaining := int64(p.more)
			header.RemainingItemCount = &remaining
		}
	}
	return header
}
