// The panel's own icon, and Jupyter's for its buttons.

import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

export const analystIcon = new LabIcon({
  name: 'jupyter-analyst:analyst',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="3" y="12.5" width="3.4" height="8.5" rx="1"/>
    <rect x="8.4" y="8" width="3.4" height="13" rx="1"/>
    <rect x="13.8" y="14.5" width="3.4" height="6.5" rx="1"/>
    <path d="M18.5 2l1.2 3.3L23 6.5l-3.3 1.2L18.5 11l-1.2-3.3L14 6.5l3.3-1.2z"/>
  </g>
</svg>`
});

interface IIconButtonProps {
  icon: LabIcon;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  pressed?: boolean;
  className?: string;
}

/** A button that shows an icon and is called by its label. */
export function IconButton(props: IIconButtonProps): JSX.Element {
  const { icon, label, onClick, disabled, pressed, className } = props;
  return (
    <button
      type="button"
      className={`jp-Analyst-iconButton ${className ?? ''}`}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <icon.react tag="span" aria-hidden="true" />
    </button>
  );
}
