// The console's entry: mounts the application.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles.css";

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <h1>Holdpoint</h1>
    </StrictMode>,
  );
}
