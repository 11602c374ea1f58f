#!/bin/sh
# about: what goes out is closed first, and the questions for names with it
# fails: only-till: A policy closes the pods that it selects
# fails: till-out: Before the first packet to db comes a question
set -e
kubectl apply -f till.yaml
sed -i 's/^  # /  /' db.yaml
cat >> db.yaml <<MORE
  - from:
    - {namespaceSelector: {matchLabels: {team: office}}, podSelector: {matchLabels: {app: audit}}}
MORE
kubectl apply -f db.yaml
