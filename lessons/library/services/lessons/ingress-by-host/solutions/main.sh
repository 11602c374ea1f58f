#!/bin/sh
# about: the way the text goes
# answer: who controller
# answer: prefix old
set -e
kubectl apply -f ingress.yaml
drydock addon add ingress
cat >> ingress.yaml <<MORE
  - host: toys.example
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: toys
            port: {number: 80}
MORE
kubectl apply -f ingress.yaml
kubectl patch ingress shops --type=json --patch '[{"op": "add", "path": "/spec/rules/0/http/paths/-", "value":
  {"path": "/reviews", "pathType": "Prefix", "backend": {"service": {"name": "reviews", "port": {"number": 80}}}}}]'
