package apiserver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// encode writes a whole answer. The object carries its kind and apiVersion.
func (f form) encode(obj runtime.Object) ([]byte, error) {
	if f.media == mediaProtobuf {
		message, ok := obj.(interface{ Marshal() ([]byte, error) })
		if !ok {
			return nil, notAcceptable([]string{mediaJSON, mediaYAML})
		}
		raw, err := message.Marshal()
		if err != nil {
			return nil, fmt.Errorf("encode a %T: %w", obj, err)
		}
		return envelope(obj.GetObjectKind().GroupVersionKind(), raw), nil
	}
	raw, err := json.Marshal(obj)
	if err != nil {
		return nil, fmt.Errorf("encode a %T: %w", obj, err)
	}
	return f.dress(raw)
}

// encodeEntry writes one stored object as a whole answer; the costly part is done once per version.
func (f form) encodeEntry(e *entry) ([]byte, error) {
	if f.media == mediaProtobuf {
		raw, err := e.proto()
		if err != nil {
			return nil, err
		}
		return envelope(e.gvk, raw), nil
	}
	raw, err := e.json()
	if err != nil {
		return nil, err
	}
	return f.dress(raw)
}

// dress turns compact JSON into what a JSON or YAML client was promised.
func (f form) dress(raw []byte) ([]byte, error) {
	switch {
	case f.media == mediaYAML:
		return yaml.JSONToYAML(raw)
	case f.pretty:
		var out bytes.Buffer
		err := json.Indent(&out, raw, "", "  ")
		return out.Bytes(), err
	}
	// The line end that encoding/json's Encoder writes; scripts have come to rely on it.
	return append(raw[:len(raw):len(raw)], '\n'), nil
}

// encodeList writes a list of stored objects without decoding or encoding any of them again.
func (f form) encodeList(gvk schema.GroupVersionKind, list metav1.ListMeta, items []*entry) ([]byte, error) {
	if f.media == mediaProtobuf {
		raw, err := protoList(list, items)
		if err != nil {
			return nil, err
		}
		return envelope(gvk, raw), nil
	}
	raw, err := jsonList(gvk, list, items)
	if err != nil {
		return nil, err
	}
	return f.dress(raw)
}

// typePrefix is how the JSON of every object of a kind begins; items of a list go without it.
func typePrefix(gvk schema.GroupVersionKind) string {
	return `{"kind":"` + gvk.Kind + `","apiVersion":"` + gvk.GroupVersion().String() + `",`
}

func jsonList(gvk schema.GroupVersionKind, list metav1.ListMeta, items []*entry) ([]byte, error) {
	header, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	size := len(header) + 128
	for _, e := range items {
		raw, err := e.json()
		if err != nil {
			return nil, err
		}
		size += len(raw) + 1
	}
	out := make([]byte, 0, size)
	out = append(out, typePrefix(gvk)...)
	out = append(append(out, `"metadata":`...), header...)
	out = append(out, `,"items":[`...)
	for i, e := range items {
		if i > 0 {
			out = append(out, ',')
		}
		raw, err := e.json()
		if err != nil {
			return nil, err
		}
		out = append(append(out, '{'), raw[len(typePrefix(e.gvk)):]...)
	}
	return append(out, "]}"...), nil
}

// protoList relies on what all lists of the API have in common: field 1 is the ListMeta, field 2 the items.
func protoList(list metav1.ListMeta, items []*entry) ([]byte, error) {
	header, err := list.Marshal()
	if err != nil {
		return nil, err
	}
	size := len(header) + 16
	for _, e := range items {
		raw, err := e.proto()
		if err != nil {
			return nil, err
		}
		size += len(raw) + binary.MaxVarintLen32 + 1
	}
	out := appendField(make([]byte, 0, size), 1, header)
	for _, e := range items {
		raw, err := e.proto()
		if err != nil {
			return nil, err
		}
		out = appendField(out, 2, raw)
	}
	return out, nil
}

// protoMagic starts every protobuf object; the rest is a runtime.Unknown that names the kind and holds the message.
const protoMagic = "k8s\x00"

func envelope(gvk schema.GroupVersionKind, raw []byte) []byte {
	kind := appendField(appendField(nil, 1, gvk.GroupVersion().String()), 2, gvk.Kind)
	out := make([]byte, 0, len(protoMagic)+len(kind)+len(raw)+24)
	out = append(out, protoMagic...)
	out = appendField(out, 1, kind)
	out = appendField(out, 2, raw)
	out = appendField(out, 3, "") // contentEncoding and contentType are always written, as gogo's proto2 does
	return appendField(out, 4, "")
}

// appendField appends one length-delimited protobuf field: its tag (wire type 2), the length, the bytes.
func appendField[B []byte | string](out []byte, number byte, value B) []byte {
	out = append(out, number<<3|2)
	out = binary.AppendUvarint(out, uint64(len(value)))
	return append(out, value...)
}
